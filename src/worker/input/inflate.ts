/** Compressed input files as streams of what they unfold to: memory stays small however far that
 *  is. */
import { Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import type { OpenInput } from "./file.ts";
import { ZstdFrames } from "./zstd-frames.ts";

type Chunks = AsyncIterable<Uint8Array>;

/** Gzip of one or several members, zstd of one or several frames. More than `maxBytes` is
 *  `limit-exceeded`; what is damaged or cut short is `bad-request`, after what came before it. */
export async function* inflated(file: InputFile, opened: OpenInput, maxBytes: number): Chunks {
  const compressed = opened.read(0, file.sizeBytes);
  const all = file.compression === "gzip" ? through(createGunzip(), compressed) : zstd(compressed);
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
    throw new ClusterError(
      "bad-request",
      `${file.name} is not whole ${file.compression}: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

async function* through(inflate: Transform, compressed: Chunks): Chunks {
  const source = Readable.from(copied(compressed));
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
    while (await fill()) yield* through(createZstdDecompress(), oneFrame());
  } finally {
    await chunks.return?.();
  }
}
