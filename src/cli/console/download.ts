/** A file of another user, under its name only when all of it is there. */
import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fetchConsoleFile } from "../../peer/console-files.ts";
import { wayTo, writeInto } from "../../sdk/named-file.ts";
import { syncDirectory } from "../../store/directory.ts";
import { ConsoleFailure } from "./failure.ts";

export type Progress = {
  readonly doneBytes: number;
  /** Null when the peer does not send it. */
  readonly sizeBytes: number | null;
};

export type DownloadOptions = {
  /** Where the other user listens. */
  readonly from: { readonly host: string; readonly port: number };
  /** As its owner calls it. */
  readonly path: string;
  /** A file, or a directory that is there. */
  readonly to: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
};

/** Resolves with the path of the file. Rejects with a `ConsoleFailure`, and nothing is left. */
export async function download(options: DownloadOptions): Promise<string> {
  const target = await targetOf(options);
  const way = wayTo(target, true);
  const { from, path, signal } = options;
  const fetched = await fetchConsoleFile(from, path, { signal });
  const folder = way === "into" ? tmpdir() : dirname(target);
  const part = join(folder, `.${basename(target)}.${randomBytes(4).toString("hex")}.part`);
  try {
    if (fetched.outcome !== "ok") {
      const names = "LIST_CONTENT shows the whole paths by which files are asked for";
      const detail = fetched.outcome === "no-file" ? names : "";
      throw new ConsoleFailure("GET_FILE", fetched.outcome, detail);
    }
    await receive(fetched, part, options);
    if (way === "into") await writeInto(target, createReadStream(part));
    else {
      await rename(part, target);
      await syncDirectory(dirname(target));
    }
    return target;
  } finally {
    fetched.close();
    await rm(part, { force: true });
  }
}

async function receive(
  fetched: { readonly sizeBytes: number | null; readonly content: AsyncIterable<Uint8Array> },
  part: string,
  { signal, onProgress }: DownloadOptions,
): Promise<void> {
  const { sizeBytes, content } = fetched;
  const file = await open(part, "wx", 0o666);
  try {
    let doneBytes = 0;
    for await (const bytes of content) {
      await file.writeFile(bytes);
      doneBytes += bytes.length;
      onProgress({ doneBytes, sizeBytes });
    }
    await file.sync();
  } catch (error) {
    if (signal.aborted) throw new ConsoleFailure("GET_FILE", "other", "interrupted");
    throw error;
  } finally {
    await file.close();
  }
}

/** The owner's name is never more than the last part of a path here. */
async function targetOf({ path, to }: DownloadOptions): Promise<string> {
  const target = resolve(to);
  const found = await stat(target).catch(() => null);
  if (!found?.isDirectory()) return target;
  const name = path.split(/[/\\]/).at(-1) ?? "";
  if (/^\.{0,2}$|[\u0000-\u001f\u007f]/.test(name)) {
    const detail = `"${path}" has no name that a file can have here; give one after ${target}/`;
    throw new ConsoleFailure("GET_FILE", "other", detail);
  }
  return join(target, name);
}
