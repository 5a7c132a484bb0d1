/** The hashes of a blob's pieces, concatenated (its *layer*): they verify a range without reading
 *  the whole.
 *
 *  They lie beside the blob as `<hash>-pieces`, followed by a seal that binds them to its name and
 *  size. A layer that is missing or damaged is computed again from the blob, which is verified as a
 *  whole then, so nothing is lost with it. */
import { createHash, type Hash as Digest } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Hash } from "../../core/ids.ts";
import type { BlobPut } from "./blob.ts";
import type { BlobFile } from "./rules.ts";

/** All pieces but the last have this size. */
export const pieceBytes = 256 << 10;
const hashBytes = 32;
/** Bytes of the layers that a store caches: enough for some 400 GiB of blobs. */
const heldMaxBytes = 48 << 20;

/** Names a stream of bytes, and hashes its pieces on the way if requested. */
export class PieceHash {
  readonly #hasPieces: boolean;
  readonly #whole = createHash("sha256");
  /** Null in the first piece, whose hash is that of the whole so far. */
  #piece: Digest | null = null;
  #filledBytes = 0;
  readonly #layer: Buffer[] = [];
  #sizeBytes = 0;

  constructor(hasPieces: boolean) {
    this.#hasPieces = hasPieces;
  }

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.byteLength;
    if (!this.#hasPieces) {
      this.#whole.update(bytes);
      return;
    }
    for (let at = 0; at < bytes.byteLength; ) {
      const part = bytes.subarray(at, at + pieceBytes - this.#filledBytes);
      if (this.#layer.length > 0) this.#piece ??= createHash("sha256");
      this.#whole.update(part);
      this.#piece?.update(part);
      at += part.byteLength;
      this.#filledBytes += part.byteLength;
      if (this.#filledBytes === pieceBytes) this.#endPiece();
    }
  }

  /** To be called once. `layer` is empty when no pieces were requested. */
  finish(): BlobPut & { readonly layer: Buffer } {
    if (this.#filledBytes > 0) this.#endPiece();
    const layer = Buffer.concat(this.#layer);
    return { hash: this.#whole.digest("hex"), sizeBytes: this.#sizeBytes, layer };
  }

  #endPiece(): void {
    this.#layer.push((this.#piece ?? this.#whole.copy()).digest());
    this.#piece = null;
    this.#filledBytes = 0;
  }
}

export function pieceHashOf(layer: Buffer, piece: number): Buffer {
  return layer.subarray(piece * hashBytes, (piece + 1) * hashBytes);
}

/** The path of a blob's layer. */
export function layerPath(blobPath: string, hash: Hash): string {
  return join(dirname(blobPath), `${hash}-pieces`);
}

/** The content of a layer's file. */
export function sealedLayer({ hash, sizeBytes }: BlobPut, layer: Buffer): Buffer {
  return Buffer.concat([layer, sealOf({ hash, sizeBytes }, layer)]);
}

function sealOf({ hash, sizeBytes }: BlobPut, layer: Buffer): Buffer {
  return createHash("sha256").update(`pieces ${hash} ${sizeBytes}\n`).update(layer).digest();
}

/** Layers of the blobs of one store, the recently read ones in memory. */
export class PieceLayers {
  /** Returns a free name for a file to be written; null = read-only. */
  readonly #temporary: (() => string) | null;
  /** Least recently used first. */
  readonly #held = new Map<Hash, Promise<Buffer>>();
  #heldBytes = 0;

  constructor(temporary: (() => string) | null) {
    this.#temporary = temporary;
  }

  /** The verified layer. `whole` reads the blob when there is no layer; its errors are thrown
   *  unchanged. */
  async of(blob: BlobFile, whole: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
    if (blob.sizeBytes <= pieceBytes) return Buffer.from(blob.hash, "hex");
    const found = this.#held.get(blob.hash) ?? this.#load(blob, whole);
    this.#held.delete(blob.hash);
    this.#held.set(blob.hash, found);
    return found;
  }

  /** Best effort, without waiting for the disk: a layer can be computed again. */
  async keep(blob: BlobFile, layer: Buffer): Promise<void> {
    // The name of a blob of one piece is the hash of that piece.
    const isNeeded = layer.byteLength > 0 && blob.sizeBytes > pieceBytes;
    if (this.#temporary === null || !isNeeded) return;
    const temporary = this.#temporary();
    try {
      await writeFile(temporary, sealedLayer(blob, layer), { flag: "wx", mode: 0o600 });
      await rename(temporary, layerPath(blob.path, blob.hash));
    } catch {
      await rm(temporary, { force: true });
    }
  }

  forget(hash: Hash): void {
    this.#held.delete(hash);
  }

  async #load(blob: BlobFile, whole: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
    try {
      const layer = (await stored(blob)) ?? (await this.#made(blob, whole));
      this.#heldBytes += layer.byteLength;
      if (this.#heldBytes > heldMaxBytes) {
        this.#held.clear();
        this.#heldBytes = 0;
      }
      return layer;
    } catch (error) {
      this.#held.delete(blob.hash);
      throw error;
    }
  }

  async #made(blob: BlobFile, whole: () => AsyncIterable<Uint8Array>): Promise<Buffer> {
    const running = new PieceHash(true);
    for await (const chunk of whole()) running.update(chunk);
    const { layer } = running.finish();
    await this.keep(blob, layer);
    return layer;
  }
}

/** Null when there is none, or not the one of this blob. */
async function stored(blob: BlobFile): Promise<Buffer | null> {
  const bytes = await readFile(layerPath(blob.path, blob.hash)).catch(() => null);
  return bytes === null ? null : unsealedLayer(blob, bytes);
}

/** The layer in what `sealedLayer` gave; null when it is not the one of this blob. */
export function unsealedLayer(blob: BlobPut, bytes: Buffer): Buffer | null {
  const layerBytes = Math.ceil(blob.sizeBytes / pieceBytes) * hashBytes;
  if (bytes.byteLength !== layerBytes + hashBytes) return null;
  const layer = bytes.subarray(0, layerBytes);
  return sealOf(blob, layer).equals(bytes.subarray(layerBytes)) ? layer : null;
}
