/** The first half of a job: its data becomes slices, and they become blocks. */
import { createHash } from "node:crypto";
import type { JobRequest } from "../../wire/filesystem/jobs.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { InputPart } from "../cluster/functions.ts";
import type { FileSystem } from "../files/file-system.ts";
import { slices } from "../files/slices.ts";

/** Of a functions file. */
export const functionsMaxBytes = 16 * 1024 * 1024;

export type CutJob = {
  readonly functions: Buffer;
  readonly slices: readonly InputPart[];
  /** Of functions and data: SHA-256. */
  readonly content: string;
};

export type Sources = {
  readonly files: FileSystem;
  readonly job: JobRequest;
};

/** For the cluster, too. */
export async function cutJob(sources: Sources, cluster: Cluster): Promise<CutJob> {
  const made: InputPart[] = [];
  const stored = await storeSlices(sources, async (name, slice) => {
    made.push(await cluster.part(name, slice));
  });
  return { ...stored, slices: made };
}

/** Stores every slice under its name, where the next tracker would look for it. */
export async function storeSlices(
  { files, job }: Sources,
  stored: (name: string, slice: Uint8Array) => void | Promise<void>,
): Promise<Omit<CutJob, "slices">> {
  const functions = await files.readWhole(job.functionsUrl, functionsMaxBytes);
  const content = createHash("sha256").update(functions);
  let count = 0;
  for await (const slice of slices(files.read(job.dataUrl))) {
    content.update(slice);
    const name = `${job.jobUrl}/${count}_map_slice`;
    await files.write(name, [slice]);
    await stored(name, slice);
    count += 1;
  }
  return { functions, content: content.digest("hex") };
}

/** Of functions and data, without keeping either. */
export async function contentOf({ files, job }: Sources): Promise<string> {
  const content = createHash("sha256");
  for (const url of [job.functionsUrl, job.dataUrl]) {
    for await (const chunk of files.read(url)) content.update(chunk);
  }
  return content.digest("hex");
}

/** Neighbours together, at most so many groups, of about the same size. */
export function grouped(parts: readonly InputPart[], groupsMax: number): InputPart[][] {
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const groups: InputPart[][] = [];
  let before = 0;
  let open = -1;
  for (const part of parts) {
    const group = Math.floor((before / total) * groupsMax);
    if (group > open) groups.push([]);
    open = Math.max(open, group);
    groups.at(-1)?.push(part);
    before += part.sizeBytes;
  }
  return groups;
}
