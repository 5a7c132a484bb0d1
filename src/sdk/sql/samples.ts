/** What a query looks at of its files before it runs: the beginning of the first one, and a little
 *  of the others. */
import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import { findInputs } from "../inputs.ts";
import { bytesAt, type FoundFile } from "../plan/found.ts";
import { readRemote } from "../plan/inputs/remote.ts";
import { wrong } from "./refusal.ts";

/** So much of the first file is looked at. */
export const sampleBytes = 1024 * 1024;
/** So much of each other one, at its start and at its end. */
const otherBytes = 32 * 1024;
/** At most so many others have their columns compared, those of addresses not. */
const othersMax = 1000;
/** At most so many others are looked into, evenly among all. */
const sampledMax = 64;

export type Sample = {
  readonly bytes: Buffer;
  /** Nothing comes before it, and nothing behind it. */
  readonly isStart: boolean;
  readonly isEnd: boolean;
};

/** The first file that is not empty, and the others on this machine that are not. */
export type QueryFiles = { readonly first: FoundFile; readonly others: readonly FoundFile[] };

export async function filesOf(path: string): Promise<QueryFiles> {
  const { files, remove } = await findInputs([path], { names: ["default"] });
  await remove();
  const first = files.find(({ sizeBytes }) => sizeBytes > 0) ?? files[0];
  if (first?.at.kind !== "path" && first?.at.kind !== "remote") {
    throw wrong("only files of this machine and of addresses can be asked");
  }
  const others = files.filter((file) => file !== first && file.at.kind === "path");
  return { first, others: others.filter(({ sizeBytes }) => sizeBytes > 0).slice(0, othersMax) };
}

export async function bytesIn({ at, name, sizeBytes }: FoundFile, start: number, end: number) {
  const until = Math.min(end, sizeBytes);
  if (at.kind === "path") return bytesAt(at.path, start, until - start);
  if (at.kind !== "remote") throw wrong(`${name} cannot be read here`);
  return readRemote({ name, compression: "none", sizeBytes, at }, start, until);
}

export async function startOf(file: FoundFile, most = sampleBytes): Promise<Sample> {
  const start = Buffer.from(await bytesIn(file, 0, most));
  const isEnd = file.content?.kind === "plain" && start.length === file.sizeBytes;
  return { bytes: unpacked(start, file), isStart: true, isEnd };
}

/** Of files on this machine: the end of the first, which may have other columns than its start, and
 *  both of some others. Compressed files have no end that can be read alone. */
export async function* furtherSamples({ first, others }: QueryFiles): AsyncGenerator<Sample> {
  yield* endOf(first, sampleBytes);
  const count = Math.min(sampledMax, others.length);
  for (let i = 0; i < count; i++) {
    const at = count === 1 ? 0 : Math.round((i * (others.length - 1)) / (count - 1));
    const file = others[at] as FoundFile;
    yield await startOf(file, otherBytes);
    yield* endOf(file, otherBytes);
  }
}

async function* endOf(file: FoundFile, seenBytes: number): AsyncGenerator<Sample> {
  const { at, content, sizeBytes } = file;
  if (at.kind !== "path" || content?.kind !== "plain" || sizeBytes <= seenBytes) return;
  const start = Math.max(seenBytes, sizeBytes - otherBytes);
  const bytes = Buffer.from(await bytesIn(file, start, sizeBytes));
  yield { bytes, isStart: false, isEnd: true };
}

function unpacked(start: Buffer, { content, name }: FoundFile): Buffer {
  try {
    if (content?.kind === "gzip") {
      return gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH });
    }
    if (content?.kind !== "zstd") return start;
    return zstdDecompressSync(start, { finishFlush: constants.ZSTD_e_flush });
  } catch (cause) {
    const message = `${name} cannot be decompressed: ${(cause as Error).message}`;
    throw new ClusterError("bad-request", message, { cause });
  }
}

/** Without the lines that may begin before it or go on behind it. */
export function linesIn({ bytes, isEnd, isStart }: Sample): string[] {
  const lines = bytes
    .toString()
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/);
  if (!isEnd || lines.at(-1) === "") lines.pop();
  return isStart ? lines : lines.slice(1);
}
