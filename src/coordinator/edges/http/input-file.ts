/** Input files of jobs that the coordinator passes on: blobs, files of its own disk as they were
 *  when the job was submitted, files of members that a worker cannot reach, and those of addresses
 *  for tabs. */
import type { Stats } from "node:fs";
import { open, stat } from "node:fs/promises";
import { ClusterError } from "../../../core/error.ts";
import { RemoteFiles } from "../../../remote/files.ts";
import type { InputFile } from "../../../wire/block/plan.ts";
import type { Services } from "../../services.ts";
import { bytesAnswer, type Span } from "./ranges.ts";
import type { Answer } from "./route.ts";

/** Longest time for one range of a shared file, ms. */
const readMs = 3_600_000;
/** Bytes of one read: with the usual 64 KiB a tab's input costs half as much again. */
const chunkBytes = 256 * 1024;

/** What web servers and object stores have, for tabs: with the credentials of this process. */
const remoteFiles = new RemoteFiles();

type Holders = Pick<Services, "blobs" | "host" | "sharedInputs" | "staging">;

/** Of a job of this owner. */
export type OwnedInput = { readonly owner: string; readonly file: InputFile };

/** The answer to a call for the file. The first byte is checked before anything is answered: a
 *  later error only cuts the answer, and the reader continues from there. */
export async function inputAnswer(
  services: Holders,
  input: OwnedInput,
  span: Span | null,
): Promise<Answer> {
  const { file } = input;
  const { at, sizeBytes } = file;
  if (at.kind === "path") mustBeSame(file, await statOf(services.host, file));
  const start = span?.start ?? 0;
  if (at.kind === "blob" && start < sizeBytes) {
    const first = { start, end: start + 1 };
    for await (const _ of readInput(services, input, first));
  }
  return bytesAnswer(sizeBytes, span, () => readInput(services, input, span));
}

/** Bytes of the file, opened only when they are read, so that it is closed whatever becomes of the
 *  answer. Throws `data-lost` when it has changed, `not-found` when it lies elsewhere. */
export async function* readInput(
  { blobs, host, sharedInputs, staging }: Holders,
  { file, owner }: OwnedInput,
  span: Span | null,
): AsyncGenerator<Uint8Array, void> {
  const { at, sizeBytes } = file;
  if (at.kind === "blob") {
    try {
      // As a range even when it is all: no byte of a damaged piece is returned, so a reader that
      // continues where it was cut off never gets past it.
      const range = span ?? { start: 0, end: sizeBytes };
      yield* (await arriving({ blobs, staging }, { file, owner }, range)) ??
        blobs.read(at.hash, range);
    } catch (error) {
      throw lostBlob(file, error);
    }
    return;
  }
  if (at.kind === "shared") {
    const content = { name: file.name, root: at.root, sizeBytes };
    const range = span ?? { start: 0, end: sizeBytes };
    // Copied: a piece may be overwritten by the next one.
    for await (const bytes of sharedInputs.read(content, range, AbortSignal.timeout(readMs))) {
      yield Uint8Array.from(bytes);
    }
    return;
  }
  if (at.kind === "remote") {
    const { start, end } = span ?? { start: 0, end: sizeBytes };
    yield* remoteFiles.read({ ...at, sizeBytes }, start, end, AbortSignal.timeout(readMs));
    return;
  }
  mustBeSame(file, await statOf(host, file));
  const opened = await open(at.path, "r").catch((cause) => gone(file, cause));
  try {
    const { start, end } = span ?? { start: 0, end: sizeBytes };
    if (start >= end) return;
    const range = { start, end: end - 1, highWaterMark: chunkBytes };
    // The last bytes wait for the second check: a reader that has them all takes the answer for
    // whole.
    let last: Uint8Array = new Uint8Array();
    for await (const chunk of opened.createReadStream({ ...range, autoClose: false })) {
      if (last.length > 0) yield last;
      last = chunk;
    }
    mustBeSame(file, await opened.stat());
    yield last;
  } finally {
    await opened.close();
  }
}

/** Of an upload that is not a blob yet; null when it is one, or there is none. */
async function arriving(
  { blobs, staging }: Pick<Holders, "blobs" | "staging">,
  { file: { at, sizeBytes }, owner }: OwnedInput,
  range: Span,
): Promise<AsyncIterable<Uint8Array> | null> {
  if (at.kind !== "blob" || (await blobs.size(at.hash)) !== null) return null;
  return staging.read({ owner, hash: at.hash, sizeBytes }, range);
}

async function statOf(host: string, file: InputFile): Promise<Stats> {
  if (file.at.kind !== "path" || file.at.host !== host) {
    const text = `${file.name} lies on another machine's disk; only workers there can read it`;
    throw new ClusterError("not-found", text);
  }
  return stat(file.at.path).catch((cause) => gone(file, cause));
}

function mustBeSame(file: InputFile, found: Stats): void {
  const { at } = file;
  if (at.kind !== "path") return;
  const same = found.size === file.sizeBytes && found.mtimeMs === at.mtimeMs && found.isFile();
  if (same) return;
  const text = `${file.name} (${at.path}) has changed since the job was submitted; submit it again`;
  throw new ClusterError("data-lost", text);
}

function lostBlob({ name }: InputFile, cause: unknown): unknown {
  if (!(cause instanceof ClusterError)) return cause;
  if (cause.code !== "data-lost" && cause.code !== "not-found") return cause;
  const text = `input ${name} as it was uploaded is lost (${cause.text}); submit the job again`;
  return new ClusterError("data-lost", text, { cause });
}

function gone(file: InputFile, cause: unknown): never {
  const path = file.at.kind === "path" ? ` (${file.at.path})` : "";
  const text = `${file.name}${path} cannot be read any more; submit the job again`;
  throw new ClusterError("data-lost", text, { cause });
}
