/** Blobs as objects of S3: `<prefix><hash>`, and `<prefix>pieces/<hash>` with what verifies ranges
 *  of large ones. What is read is verified here: servers accept wrong checksums. */
import { hash as digestOf } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { BlobAddresses, BlobPut, Blobs, PutOptions } from "../../store/blob/blob.ts";
import {
  PieceHash,
  pieceBytes,
  pieceHashOf,
  sealedLayer,
  unsealedLayer,
} from "../../store/blob/pieces.ts";
import * as rules from "../../store/blob/rules.ts";
import { sweepTemporary } from "../../store/blob/temporary.ts";
import { S3Client, type S3Times } from "./client.ts";
import { keysBelow } from "./listing.ts";
import { type S3Credentials, type S3Place, s3Credentials } from "./place.ts";
import { probe } from "./probe.ts";
import { spool } from "./spool.ts";
import { upload } from "./upload.ts";

export type S3BlobsOptions = {
  /** For bytes on their way; created. */
  readonly spoolDir: string;
  /** Default: from the environment. */
  readonly credentials?: S3Credentials;
  /** Largest blob, whatever a `put` allows; default 1 TiB. */
  readonly blobMaxBytes?: number;
  /** Larger blobs are sent in parts of this size. Default 256 MiB; S3 wants at least 5 MiB. */
  readonly partBytes?: number;
  readonly times?: Partial<S3Times>;
};

const seenMax = 10_000;
const layersMax = 256;
const partAgeMaxMs = 24 * 3_600_000;
/** Read at once for a range, a multiple of the piece. */
const rangeBytes = 16 * pieceBytes;

/** Throws `unauthenticated`, `unavailable`, `bad-request` for a server that does not keep what it
 *  acknowledges. */
export async function openS3Blobs(place: S3Place, options: S3BlobsOptions): Promise<Blobs> {
  const { blobMaxBytes = 2 ** 40, credentials = s3Credentials(), spoolDir } = options;
  rules.checkSizeMax(blobMaxBytes);
  await mkdir(spoolDir, { recursive: true, mode: 0o700 });
  await sweepTemporary(spoolDir, partAgeMaxMs);
  const client = new S3Client(place, credentials, options.times);
  try {
    await probe(client);
    return new S3Store(client, { ...options, blobMaxBytes });
  } catch (error) {
    client.close();
    throw error;
  }
}

class S3Store implements Blobs, BlobAddresses {
  readonly #client: S3Client;
  readonly #options: S3BlobsOptions & { readonly blobMaxBytes: number };
  /** Found by readers, until they are put again. */
  readonly #damaged = new Set<Hash>();
  readonly #layers = new Map<Hash, Buffer>();
  /** Of blobs that were seen: what has a hash has one size, so that a range costs one call. */
  readonly #sizes = new Map<Hash, number>();
  #closed = false;

  constructor(client: S3Client, options: S3BlobsOptions & { readonly blobMaxBytes: number }) {
    this.#client = client;
    this.#options = options;
  }

  async put(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { expect, sizeMaxBytes = this.#options.blobMaxBytes }: PutOptions = {},
  ): Promise<BlobPut> {
    this.#mustBeOpen();
    rules.checkSizeMax(sizeMaxBytes);
    if (expect !== undefined) rules.checkHash(expect);
    const { blobMaxBytes, partBytes, spoolDir } = this.#options;
    const most = Math.min(sizeMaxBytes, blobMaxBytes);
    const spooled = await spool(chunks, { dir: spoolDir, sizeMaxBytes: most });
    const { hash, layer, sizeBytes } = spooled;
    try {
      if (expect !== undefined && expect !== hash) throw rules.wrongBytes(expect, hash);
      await upload(this.#client, hash, spooled, partBytes);
      if (sizeBytes > pieceBytes) await this.#keepLayer({ hash, sizeBytes }, layer);
    } finally {
      await spooled.remove();
    }
    this.#damaged.delete(hash);
    return { hash, sizeBytes };
  }

  async size(hash: Hash): Promise<number | null> {
    const head = await this.#head(hash);
    if (head === null) return null;
    if (this.#damaged.has(hash)) throw rules.damagedBlob(hash, "as a reader has found");
    return head.sizeBytes;
  }

  async *read(hash: Hash, range?: rules.Range): AsyncGenerator<Uint8Array> {
    this.#mustBeOpen();
    const sizeBytes = this.#sizes.get(hash) ?? (await this.#head(hash))?.sizeBytes;
    if (sizeBytes === undefined) throw rules.missingBlob(hash);
    const asked = rules.checkRange(hash, sizeBytes, range);
    try {
      if (range === undefined) yield* this.#whole({ hash, sizeBytes });
      else if (asked.start < asked.end) yield* this.#range({ hash, sizeBytes }, asked);
    } catch (error) {
      if (error instanceof ClusterError && error.code === "data-lost") this.#foundDamaged(hash);
      throw error;
    }
  }

  async storedAtMs(hash: Hash): Promise<number | null> {
    return (await this.#head(hash))?.storedAtMs ?? null;
  }

  async delete(hash: Hash): Promise<void> {
    this.#mustBeOpen();
    rules.checkHash(hash);
    this.#layers.delete(hash);
    this.#sizes.delete(hash);
    await this.#client.text({ method: "DELETE", key: hash });
    await this.#client.text({ method: "DELETE", key: layerKey(hash) });
  }

  async *list(): AsyncGenerator<Hash> {
    this.#mustBeOpen();
    for await (const key of keysBelow(this.#client)) if (/^[0-9a-f]{64}$/.test(key)) yield key;
  }

  path(hash: Hash): null {
    this.#mustBeOpen();
    rules.checkHash(hash);
    return null;
  }

  address(hash: Hash, expiresS: number): string {
    rules.checkHash(hash);
    return this.#client.addressOf(hash, { method: "GET", expiresS });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.close();
  }

  async #head(hash: Hash): Promise<(BlobPut & { readonly storedAtMs: number | null }) | null> {
    this.#mustBeOpen();
    rules.checkHash(hash);
    const answer = await this.#client.open({ method: "HEAD", key: hash });
    if (answer === null) return null;
    answer.resume();
    const { "content-length": length, "last-modified": at = "" } = answer.headers;
    const [sizeBytes, atMs] = [Number(length), Date.parse(at)];
    if (!Number.isSafeInteger(sizeBytes)) {
      const text = `${this.#client.place.name} does not say how large ${hash} is`;
      throw new ClusterError("protocol-violated", text);
    }
    if (this.#sizes.size >= seenMax) this.#sizes.clear();
    this.#sizes.set(hash, sizeBytes);
    return { hash, sizeBytes, storedAtMs: Number.isNaN(atMs) ? null : atMs };
  }

  /** The last chunk is held back until the hash is known to be right. */
  async *#whole({ hash, sizeBytes }: BlobPut): AsyncGenerator<Uint8Array> {
    const answer = await this.#client.open({ method: "GET", key: hash });
    if (answer === null) throw rules.missingBlob(hash);
    const running = new PieceHash(false);
    let held: Uint8Array | null = null;
    for await (const chunk of this.#client.chunks(answer)) {
      running.update(chunk);
      if (held !== null) yield held;
      held = chunk;
    }
    const found = running.finish();
    if (found.sizeBytes !== sizeBytes) throw rules.damagedBlob(hash, "it was cut off");
    if (found.hash !== hash) throw rules.damagedBlob(hash, "its bytes have another hash");
    if (held !== null) yield held;
  }

  async *#range(blob: BlobPut, { end, start }: rules.Range): AsyncGenerator<Uint8Array> {
    const layer = await this.#layerOf(blob);
    const from = start - (start % pieceBytes);
    const to = Math.min(blob.sizeBytes, Math.ceil(end / pieceBytes) * pieceBytes);
    for (let at = from; at < to; at += rangeBytes) {
      const until = Math.min(to, at + rangeBytes);
      const headers = { range: `bytes=${at}-${until - 1}` };
      const bytes = await this.#client.bytes({ method: "GET", key: blob.hash, headers });
      if (bytes === null) throw rules.missingBlob(blob.hash);
      if (bytes.byteLength !== until - at) throw rules.damagedBlob(blob.hash, "it was cut off");
      for (let piece = 0; piece < bytes.byteLength; piece += pieceBytes) {
        const found = digestOf("sha256", bytes.subarray(piece, piece + pieceBytes), "buffer");
        if (found.equals(pieceHashOf(layer, (at + piece) / pieceBytes))) continue;
        const reason = `its bytes from ${at + piece} on differ from what was put`;
        throw rules.damagedBlob(blob.hash, reason);
      }
      yield bytes.subarray(Math.max(0, start - at), Math.min(bytes.byteLength, end - at));
    }
  }

  async #layerOf(blob: BlobPut): Promise<Buffer> {
    if (blob.sizeBytes <= pieceBytes) return Buffer.from(blob.hash, "hex");
    const held = this.#layers.get(blob.hash);
    if (held !== undefined) return held;
    const bytes = await this.#client.bytes({ method: "GET", key: layerKey(blob.hash) });
    const layer = bytes === null ? null : unsealedLayer(blob, bytes);
    if (layer !== null) return this.#hold(blob.hash, layer);
    const running = new PieceHash(true);
    for await (const chunk of this.#whole(blob)) running.update(chunk);
    const made = running.finish().layer;
    await this.#keepLayer(blob, made);
    return made;
  }

  /** Best effort: a layer can be computed again. */
  async #keepLayer(blob: BlobPut, layer: Buffer): Promise<void> {
    const bytes = sealedLayer(blob, layer);
    const sha256 = digestOf("sha256", bytes, "hex");
    const body = { sizeBytes: bytes.byteLength, sha256, open: () => [bytes] };
    await this.#client.text({ method: "PUT", key: layerKey(blob.hash), body }).catch(() => {});
    this.#hold(blob.hash, layer);
  }

  #hold(hash: Hash, layer: Buffer): Buffer {
    if (this.#layers.size >= layersMax) this.#layers.clear();
    this.#layers.set(hash, layer);
    return layer;
  }

  #foundDamaged(hash: Hash): void {
    if (this.#damaged.size >= seenMax) this.#damaged.clear();
    this.#damaged.add(hash);
  }

  #mustBeOpen(): void {
    if (this.#closed) throw rules.closedBlobs(this.#client.place.name);
  }
}

function layerKey(hash: Hash): string {
  return `pieces/${hash}`;
}
