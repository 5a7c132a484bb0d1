/** Files of the filesystem protocol: names in the catalogue, bytes in the coordinator's blobs. */
import { closeSync, openSync } from "node:fs";
import { ClusterError } from "../../../../core/error.ts";
import { layerOfBytes, layerOfFile } from "../../../../peer/hashing/layer.ts";
import type { HashPool } from "../../../../peer/hashing/pool.ts";
import { rootHex } from "../../../../peer/hashing/sha256.ts";
import type { BlobPut, Blobs } from "../../../../store/blob/blob.ts";
import type { BlobSweep } from "../../../jobs/blob-sweep.ts";
import type { LowWater } from "../../../upkeep/low-water.ts";
import { Catalogue, type StoredFile } from "./catalogue.ts";
import { Locks } from "./locks.ts";

export type FilesParts = {
  readonly dataDir: string;
  readonly blobs: Blobs;
  readonly sweep: Pick<BlobSweep, "touch" | "reading">;
  readonly lowWater: Pick<LowWater, "mustBeAbove" | "guarded">;
  readonly pool: HashPool;
};

export class Files {
  readonly locks = new Locks();
  readonly catalogue: Catalogue;
  readonly #parts: FilesParts;

  constructor(parts: FilesParts) {
    this.#parts = parts;
    this.catalogue = new Catalogue(parts.dataDir);
  }

  /** Stores bytes as a blob without a name; `catalogue.put` names it. Throws as `Blobs.put`
   *  does. */
  async stage(
    name: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<StoredFile> {
    const { blobs, lowWater, sweep } = this.#parts;
    const what = `file ${name}`;
    lowWater.mustBeAbove(what);
    const put = await blobs.put(lowWater.guarded(chunks, what));
    sweep.touch(put.hash);
    const layer = await this.#layer(put);
    return { name, ...put, root: rootHex(put.sizeBytes, layer), layer };
  }

  /** Reads this content, whatever the name stands for meanwhile. Throws `data-lost`. */
  async *read({ hash }: StoredFile): AsyncGenerator<Uint8Array, void> {
    const { blobs, sweep } = this.#parts;
    const release = sweep.reading(hash);
    try {
      yield* blobs.read(hash);
    } finally {
      release();
    }
  }

  /** Path of the bytes, to serve them by pieces. */
  path({ hash }: StoredFile): string | null {
    return this.#parts.blobs.path(hash);
  }

  close(): void {
    this.catalogue.close();
  }

  async #layer({ hash, sizeBytes }: BlobPut): Promise<Uint8Array> {
    if (sizeBytes === 0) return layerOfBytes(new Uint8Array(0));
    const path = this.#parts.blobs.path(hash);
    if (path === null) throw new ClusterError("data-lost", `blob ${hash} is gone; send it again`);
    const descriptor = openSync(path, "r");
    try {
      const layer = await layerOfFile(descriptor, this.#parts.pool);
      if (layer !== null) return layer;
    } finally {
      closeSync(descriptor);
    }
    throw new ClusterError("data-lost", `blob ${hash} was cut off; send it again`);
  }
}
