/** Saves bytes of the coordinator as a file of the reader. */
import { open } from "./client.ts";

/** Largest result that a browser should hold in memory, bytes. */
export const saveMaxBytes = 500_000_000;

export function saveAs(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has started by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Concatenates blobs into one file. */
export async function saveBlobs(name: string, hashes: readonly string[]): Promise<void> {
  const parts: Blob[] = [];
  for (const hash of hashes) {
    if (hash === "") continue;
    const answer = await open(`/v1/blobs/${hash}`, { limitMs: null });
    parts.push(await answer.blob());
  }
  saveAs(name, new Blob(parts));
}

export async function savePath(name: string, path: string): Promise<void> {
  saveAs(name, await (await open(path, { limitMs: null })).blob());
}
