/** A file being written, hashed on the way; small chunks are gathered, so that not every line costs
 *  a system call. */
import { type FileHandle, open } from "node:fs/promises";
import { hit } from "../failpoint.ts";
import { storageFailure } from "../failure.ts";
import type { BlobPut } from "./blob.ts";
import { PieceHash } from "./pieces.ts";
import { blobTooLarge } from "./rules.ts";

export type Receiving = {
  readonly sizeMaxBytes: number;
  /** Whether the pieces are hashed. */
  readonly ranges: boolean;
};

/** What was written, and the hashes of its pieces. */
export type Received = BlobPut & { readonly layer: Buffer };

const gatherBytes = 256 << 10;

class HashedFile {
  readonly #file: FileHandle;
  readonly #sizeMaxBytes: number;
  readonly #hash: PieceHash;
  readonly #gathered = new Uint8Array(gatherBytes);
  #gatheredBytes = 0;
  #sizeBytes = 0;

  private constructor(file: FileHandle, { sizeMaxBytes, ranges }: Receiving) {
    this.#file = file;
    this.#sizeMaxBytes = sizeMaxBytes;
    this.#hash = new PieceHash(ranges);
  }

  static async create(path: string, receiving: Receiving): Promise<HashedFile> {
    hit("blob.create", "before");
    const file = await open(path, "wx", 0o600);
    hit("blob.create", "after");
    return new HashedFile(file, receiving);
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#sizeBytes += chunk.byteLength;
    if (this.#sizeBytes > this.#sizeMaxBytes) throw blobTooLarge(this.#sizeMaxBytes);
    if (this.#gatheredBytes + chunk.byteLength > gatherBytes) await this.#flush();
    if (chunk.byteLength > gatherBytes) return this.#store(chunk);
    this.#gathered.set(chunk, this.#gatheredBytes);
    this.#gatheredBytes += chunk.byteLength;
  }

  /** Durable when resolved. */
  async finish(): Promise<Received> {
    await this.#flush();
    hit("blob.sync", "before");
    await this.#file.sync();
    hit("blob.sync", "after");
    return this.#hash.finish();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #flush(): Promise<void> {
    const gathered = this.#gathered.subarray(0, this.#gatheredBytes);
    this.#gatheredBytes = 0;
    return this.#store(gathered);
  }

  /** Hashes while the system writes. */
  async #store(bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength === 0) return;
    const written = this.#writeAll(bytes);
    this.#hash.update(bytes);
    await written;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; ) {
      hit("blob.write", "before");
      at += (await this.#file.write(bytes, at)).bytesWritten;
      hit("blob.write", "after");
    }
  }
}

/** Writes a stream to the new file `path`, durable when resolved. Errors of the source are thrown
 *  unchanged; those of the disk become `ClusterError`s. */
export async function receive(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  receiving: Receiving,
): Promise<Received> {
  const disk = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw storageFailure(error, "a blob");
    }
  };
  const file = await disk(HashedFile.create(path, receiving));
  try {
    for await (const chunk of chunks) await disk(file.write(chunk));
    return await disk(file.finish());
  } finally {
    await file.close();
  }
}
