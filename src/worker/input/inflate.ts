/** Compressed input files as streams of what they unfold to: memory stays small however far that
 *  is. */
import { Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import { windowMaxBytes } from "../../wire/content/content.ts";
import type { OpenInput } from "./file.ts";
import { ZstdFrames } from "./zstd-frames.ts";

type Chunks = AsyncIterable<Uint8Array>;

/** Gzip of one or several members, with zeros between them or not; zstd of one or several frames.
 *  More than `maxBytes` is `limit-exceeded`; what is damaged or cut short is `bad-request`, after
 *  what came before it. */
export async function* inflated(file: InputFile, opened: OpenInput, maxBytes: number): Chunks {
  const compressed = opened.read(0, file.sizeBytes);
  const all = file.compression === "gzip" ? gzip(compressed) : zstd(compressed);
  let total = 0;
  try {
    for await (const bytes of all) {
      total += bytes.length;
      if (total > maxBytes) {
        throw new ClusterError(
          "limit-exceeded",
          `${file.name} unfolds to more than ${maxBytes} bytes (inflatedMaxBytes)`,
        );
      }
      yield bytes;
    }
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw undecodable(file, error as NodeJS.ErrnoException);
  }
}

function undecodable({ compression, name }: InputFile, cause: NodeJS.ErrnoException): ClusterError {
  const isWide = cause.code === "ZSTD_error_frameParameter_windowTooLarge";
  const text = isWide
    ? `${name} is zstd with a window of more than ${windowMaxBytes / 1024 ** 2} MiB; compress it ` +
      "again without --long=N, or with N up to 27"
    : `${name} is not whole ${compression}: ${cause.message}`;
  return new ClusterError("bad-request", text, { cause });
}

/** Node's stream reads one member after the other, but ends at zeros, with which tapes and blocks
 *  of disks are filled up, and silently drops the members behind them. */
async function* gzip(compressed: Chunks): Chunks {
  const chunks = compressed[Symbol.asyncIterator]();
  /** Copies of what the stream was given and has perhaps not used. */
  let given: Buffer[] = [];
  let givenBytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  /** Past zeros; false at the end of the file. */
  const fill = async () => {
    for (;;) {
      const first = rest.findIndex((byte) => byte !== 0);
      if (first !== -1) {
        rest = rest.subarray(first);
        return true;
      }
      const { done, value } = await chunks.next();
      if (done === true) return false;
      rest = Buffer.from(value);
    }
  };
  const members = async function* () {
    given = [rest];
    givenBytes = rest.length;
    yield rest;
    for (;;) {
      const { done, value } = await chunks.next();
      if (done === true) return;
      const copy = Buffer.from(value);
      given.push(copy);
      givenBytes += copy.length;
      yield copy;
    }
  };
  try {
    while (await fill()) {
      const inflate = createGunzip();
      for await (const bytes of through(inflate, members())) {
        yield bytes;
        const unused = givenBytes - inflate.bytesWritten;
        let kept = given.reduce((sum, { length }) => sum + length, 0);
        for (; given[0] !== undefined && kept - given[0].length >= unused; given.shift()) {
          kept -= given[0].length;
        }
      }
      const unused = givenBytes - inflate.bytesWritten;
      const all = Buffer.concat(given);
      rest = all.subarray(all.length - unused);
    }
  } finally {
    await chunks.return?.();
  }
}

async function* through(inflate: Transform, compressed: Chunks): Chunks {
  const source = Readable.from(compressed, { highWaterMark: 1 });
  source.on("error", (error) => inflate.destroy(error));
  source.pipe(inflate);
  try {
    for await (const bytes of inflate) yield bytes as Buffer;
  } finally {
    source.destroy();
    inflate.destroy();
  }
}

/** The stream keeps chunks while the next ones are read. */
async function* copied(chunks: Chunks): Chunks {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}

/** Node's stream ends with the first frame and silently drops all others, so each frame gets its
 *  own. */
async function* zstd(compressed: Chunks): Chunks {
  const chunks = compressed[Symbol.asyncIterator]();
  const frames = new ZstdFrames();
  let rest: Uint8Array = new Uint8Array(0);
  const fill = async () => {
    while (rest.length === 0) {
      const { done, value } = await chunks.next();
      if (done === true) return false;
      rest = value;
    }
    return true;
  };
  const oneFrame = async function* () {
    for (;;) {
      if (!(await fill())) throw new Error("it ends inside a frame");
      const end = frames.endOfFrame(rest);
      const part = rest.subarray(0, end === -1 ? rest.length : end);
      rest = rest.subarray(part.length);
      yield part;
      if (end !== -1) return;
    }
  };
  try {
    while (await fill()) yield* through(createZstdDecompress(), copied(oneFrame()));
  } finally {
    await chunks.return?.();
  }
}
