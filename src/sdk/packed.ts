/** Bytes on their way to a file whose name says that they are compressed there. */
import { Readable } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";

/** Whether bytes for this file are compressed. */
export function isPacked(path: string): boolean {
  return /\.(gz|zst)$/i.test(path);
}

/** Compressed as the ending says. Bytes are kept until they are read: they must not be lent. */
export async function* packed(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const packer = /\.gz$/i.test(path) ? createGzip() : createZstdCompress();
  const source = Readable.from(bytes, { objectMode: false });
  source.on("error", (error) => packer.destroy(error));
  source.pipe(packer);
  try {
    yield* packer as AsyncIterable<Uint8Array>;
  } finally {
    source.destroy();
  }
}
