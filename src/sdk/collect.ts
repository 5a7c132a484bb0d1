/** Brings a job's result to where the user wants it: a folder of parts, one merged file, or a
 *  stream. Results appear whole or not at all, and every byte is verified on the way. */
import { existsSync, lstatSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { ClusterError } from "../core/error.ts";
import type { JobSummary } from "../core/summary.ts";
import type { Client, TransferOptions } from "./client.ts";
import { jobResult, partNames } from "./job-parts.ts";
import type { JobResult, ResultPart } from "./job-result.ts";
import { stagingOf, wayTo, writeNamed, writeNew } from "./named-file.ts";
import { isPacked, packed } from "./packed.ts";
import { partsInOrder } from "./parts-ahead.ts";

export type { JobResult, ResultPart };
export { jobResult };

/** `staging`: 8 characters that make the name under which it is written at first the caller's own:
 *  what a process that was killed has left there is removed. Default: a new name. */
export type Destination =
  /** `replace`: files of an earlier result there may be replaced; else the folder must be empty or
   *  new. */
  | {
      readonly kind: "folder";
      readonly path: string;
      readonly replace?: boolean;
      readonly staging?: string;
    }
  /** All parts in order in one file; bad records beside it in the folder `_bad`, with `.ndjson`
   *  added to its name. */
  | {
      readonly kind: "file";
      readonly path: string;
      readonly replace?: boolean;
      readonly staging?: string;
    }
  /** All parts in order; bad records are left out. */
  | { readonly kind: "stream"; readonly stream: NodeJS.WritableStream };

export type Collected = {
  readonly files: readonly string[];
  /** Of the result alone: bad records are not counted, neither here nor as records. */
  readonly sizeBytes: number;
  /** How many bad records were set aside for which a stream has no place; absent = none. */
  readonly leftOut?: number;
  /** Absent = none. */
  readonly bad?: BadRecordsFile;
};

export type CollectOptions = Omit<TransferOptions, "onBytes"> & {
  /** `sizeBytes`: of the parts, 0 when it is not known; bad records come on top. */
  readonly onProgress?: (progress: {
    readonly doneBytes: number;
    readonly sizeBytes: number;
  }) => void;
};

export type BadRecordsFile = { readonly file: string; readonly count: number };

/** Parts that are written at once. */
const partsAtOnce = 2;
/** Folder of records that were set aside: who reads the result by a glob does not read them. */
const badFolder = "_bad";
const badFile = join(badFolder, "records.ndjson");
const ownFiles = /^(part-\d{5,}|results|bad-records)\.(ndjson|csv|txt|bin|parquet|arrow)$/;

/** Writes a result to its destination. Refuses (`conflict`) what would overwrite other files. */
export async function saveResult(result: JobResult, to: Destination): Promise<Collected> {
  if (to.kind === "stream") {
    let sizeBytes = 0;
    const counted = async function* () {
      for await (const chunk of merged(result, false)) {
        sizeBytes += chunk.length;
        yield chunk;
      }
    };
    // Standard output stays open for what comes after.
    await pipeline(counted(), to.stream, { end: false });
    return { files: [], sizeBytes, leftOut: await linesIn(result.badRecords) };
  }
  return to.kind === "file" ? saveMerged(result, to) : saveParts(result, to);
}

/** Collects a job of a cluster: `jobResult` and `saveResult` in one. Goes on where it was when the
 *  line is cut. */
export async function collect(
  client: Client,
  job: JobSummary,
  to: Destination,
  options: CollectOptions = {},
): Promise<Collected> {
  const { onProgress, ...transfer } = options;
  let doneBytes = 0;
  let sizeBytes = 0;
  const onBytes = (bytes: number): void => {
    doneBytes += bytes;
    onProgress?.({ doneBytes, sizeBytes });
  };
  const result = await jobResult(client, job, { ...transfer, onBytes });
  sizeBytes = result.parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const collected = await saveResult(result, to);
  await client.fetched(job.job);
  return collected;
}

async function saveParts(
  result: JobResult,
  to: Extract<Destination, { kind: "folder" }>,
): Promise<Collected> {
  const present = await readdir(to.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    const why = error.code === "ENOTDIR" ? "is a file" : `cannot be read (${error.code})`;
    throw new ClusterError("bad-request", `the output folder ${to.path} ${why}`);
  });
  if (present !== null && present.length > 0 && to.replace !== true) {
    const text = `the output folder ${to.path} is not empty; choose another, or ask to replace it`;
    throw new ClusterError("conflict", text);
  }
  if (present === null) refuseLink(to.path);
  const old = (present ?? []).filter((name) => ownFiles.test(name));
  if (present?.includes(badFolder)) {
    refuseNoFolder(join(to.path, badFolder));
    if (existsSync(join(to.path, badFile))) old.push(badFile);
  }
  // Each by the rule of files: a pipe of that name, say, is no part of an earlier result.
  for (const name of old) refuseSpecial(join(to.path, name));
  await mkdir(dirname(to.path), { recursive: true });
  const staging = await stagingOf(to.path, to.staging);
  await mkdir(staging);
  try {
    const { names, sizeBytes, badCount } = await writeParts(result, staging);
    if (present === null) await rename(staging, to.path);
    else await moveInto(staging, to.path, { names, old });
    const files = names.map((name) => join(to.path, name));
    const file = join(to.path, badFile);
    return { files, sizeBytes, ...(badCount === 0 ? {} : { bad: { file, count: badCount } }) };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** A link to a folder names that folder; one to nothing is in the way. */
function refuseLink(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) wayTo(path, true);
}

/** What is written into the folder must not go elsewhere. */
function refuseNoFolder(path: string): void {
  if (lstatSync(path).isDirectory()) return;
  const text = `${path} is no folder, and bad records have their place there`;
  throw new ClusterError("bad-request", `${text}; remove it, or choose another folder`);
}

function refuseSpecial(path: string): void {
  if (wayTo(path, true) === "file") return;
  const text = `${path} is no regular file, and is not replaced`;
  throw new ClusterError("bad-request", `${text}; remove it, or choose another folder`);
}

async function writeParts(
  result: JobResult,
  folder: string,
): Promise<{ names: string[]; sizeBytes: number; badCount: number }> {
  const names = partNames(result);
  let sizeBytes = 0;
  const parts = result.parts.entries();
  const stop = new AbortController();
  const lane = async () => {
    try {
      for (const [index, part] of parts) {
        const path = join(folder, names[index] as string);
        // In a statement of its own: `sizeBytes += await …` would read `sizeBytes` before it waits,
        // and lose what the other lane adds meanwhile.
        const written = await writeNew(path, part.read(true), stop.signal);
        sizeBytes += written;
      }
    } catch (error) {
      stop.abort(error);
    }
  };
  // All of them, also when one fails: no lane may still write into a folder that is being removed.
  await Promise.all(Array.from({ length: partsAtOnce }, lane));
  stop.signal.throwIfAborted();
  const bad = new CountedLines(result.badRecords);
  if (result.badRecords.length > 0) {
    names.push(badFile);
    await mkdir(join(folder, badFolder));
    await writeNew(join(folder, badFile), bad.chunks());
  }
  return { names, sizeBytes, badCount: bad.count };
}

async function moveInto(
  staging: string,
  folder: string,
  files: { readonly names: readonly string[]; readonly old: readonly string[] },
): Promise<void> {
  for (const name of files.old) {
    if (!files.names.includes(name)) await rm(join(folder, name));
  }
  if (files.names.includes(badFile)) await mkdir(join(folder, badFolder), { recursive: true });
  else if (files.old.includes(badFile)) await rmdir(join(folder, badFolder)).catch(() => {});
  for (const name of files.names) await rename(join(staging, name), join(folder, name));
  await rm(staging, { recursive: true });
}

async function saveMerged(
  result: JobResult,
  { path, replace = false, staging }: Extract<Destination, { kind: "file" }>,
): Promise<Collected> {
  const beside = join(dirname(path), badFolder, `${basename(path)}.ndjson`);
  const isBad = result.badRecords.length > 0;
  // Before the first byte: half of a result is none.
  if (isBad && wayTo(path, replace) === "file") wayTo(beside, replace);
  const bytes = isPacked(path) ? packed(path, merged(result, false)) : merged(result, true);
  const { sizeBytes, way } = await writeNamed(path, bytes, replace, staging);
  if (!isBad) return { files: [path], sizeBytes };
  if (way === "into")
    return { files: [path], sizeBytes, leftOut: await linesIn(result.badRecords) };
  const bad = new CountedLines(result.badRecords);
  await writeNamed(beside, bad.chunks(), replace, staging);
  return { files: [path, beside], sizeBytes, bad: { file: beside, count: bad.count } };
}

/** All parts one after the other; of CSV parts only the first keeps its header. */
async function* merged(result: JobResult, isLent: boolean): AsyncGenerator<Uint8Array, void> {
  if (result.whole !== undefined) return yield* result.whole();
  const header = result.format === "csv" ? new FirstLine() : null;
  for await (const chunks of partsInOrder(result.parts, isLent)) {
    let skipBytes = header?.sizeBytes ?? 0;
    for await (const chunk of chunks) {
      const kept = chunk.subarray(Math.min(skipBytes, chunk.length));
      skipBytes -= chunk.length - kept.length;
      header?.look(kept);
      if (kept.length > 0) yield kept;
    }
  }
}

/** The length of the first line that it is shown, which every CSV part has that has rows. A newline
 *  between quotes belongs to the line. */
class FirstLine {
  #sizeBytes = 0;
  #isQuoted = false;
  #isWhole = false;

  /** 0 until the line is whole: a part without rows has no header either. */
  get sizeBytes(): number {
    return this.#isWhole ? this.#sizeBytes : 0;
  }

  look(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && !this.#isWhole; at++) {
      this.#sizeBytes++;
      if (bytes[at] === 0x22) this.#isQuoted = !this.#isQuoted;
      else if (bytes[at] === 0x0a && !this.#isQuoted) this.#isWhole = true;
    }
  }
}

async function linesIn(parts: readonly ResultPart[]): Promise<number> {
  const lines = new CountedLines(parts);
  for await (const _ of lines.chunks());
  return lines.count;
}

/** Parts one after the other, and how many lines they have. */
class CountedLines {
  count = 0;
  readonly #parts: readonly ResultPart[];

  constructor(parts: readonly ResultPart[]) {
    this.#parts = parts;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void> {
    for (const part of this.#parts) {
      for await (const chunk of part.read(true)) {
        for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) this.count++;
        yield chunk;
      }
    }
  }
}
