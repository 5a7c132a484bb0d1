/** Brings blobs to the coordinator, as far as they are not there. */
import { createReadStream } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { steadyMs } from "../../environment/steady.ts";
import { type SmallBlobs, smallBlobMaxBytes, smallBlobsMax } from "../../wire/api/messages.ts";
import type { Upload } from "../plan/upload.ts";
import type { Transport } from "./transport.ts";

/** How long a blob that was seen at the coordinator is taken to be there, in ms: well below the
 *  hour that unused ones are kept. A job that names one that is gone is refused. */
const seenForMs = 600_000;
const seenMax = 1_000;
const uploadsAtOnce = 4;

export class Uploads {
  readonly #transport: Transport;
  /** When each blob was last seen at the coordinator. */
  readonly #seenAtMs = new Map<Hash, number>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Stores bytes, unless they are there already. */
  async put({ hash, sizeBytes, at }: Upload): Promise<void> {
    if (this.#isSeen(hash)) return;
    if (!(await this.#hasBlob(hash))) await this.#sendBlob({ hash, sizeBytes, at });
    this.#see(hash);
  }

  /** The same for several. Small ones go in one call, whether they are there or not. */
  async putAll(uploads: readonly Upload[]): Promise<void> {
    const isNew = ({ hash }: Upload) => !this.#isSeen(hash);
    const small = uploads.filter((one) => isNew(one) && isSmall(one)).slice(0, smallBlobsMax);
    const others = uploads.filter((one) => !small.includes(one)).values();
    const some = async () => {
      for (const one of others) await this.put(one);
    };
    await Promise.all([this.#putSmall(small), ...Array.from({ length: uploadsAtOnce }, some)]);
  }

  async #putSmall(uploads: readonly Upload[]): Promise<void> {
    if (uploads.length === 0) return;
    const blobs = uploads.flatMap(({ at }) =>
      at.kind === "bytes" ? [Buffer.from(at.bytes).toString("base64")] : [],
    );
    const json: SmallBlobs = { blobs };
    await this.#transport.json({ method: "POST", path: "/v1/small-blobs", json });
    for (const { hash } of uploads) this.#see(hash);
  }

  #isSeen(hash: Hash): boolean {
    const seenAtMs = this.#seenAtMs.get(hash) ?? Number.NEGATIVE_INFINITY;
    return steadyMs() - seenAtMs < seenForMs;
  }

  #see(hash: Hash): void {
    if (this.#seenAtMs.size >= seenMax) this.#seenAtMs.clear();
    this.#seenAtMs.set(hash, steadyMs());
  }

  /** To be called when blobs were removed at the coordinator: each is looked for again when it is
   *  next to be stored. */
  forget(): void {
    this.#seenAtMs.clear();
  }

  /** A stream that broke off is sent from its begin again, once: another coordinator may lead. */
  async #sendBlob(upload: Upload): Promise<void> {
    try {
      await this.#sendOnce(upload);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
      await this.#sendOnce(upload);
    }
  }

  async #sendOnce({ hash, sizeBytes, at }: Upload): Promise<void> {
    const body = at.kind === "bytes" ? at.bytes : createReadStream(at.path);
    const headers = { "x-content-sha256": hash, "content-length": String(sizeBytes) };
    const type = { "content-type": "application/octet-stream" };
    const call = { method: "POST", path: "/v1/blobs", body, headers: { ...headers, ...type } };
    await this.#transport.json(call as Parameters<Transport["json"]>[0]);
  }

  async #hasBlob(hash: Hash): Promise<boolean> {
    try {
      const answer = await this.#transport.open({ method: "HEAD", path: `/v1/blobs/${hash}` });
      answer.resume();
      return true;
    } catch (error) {
      if (error instanceof ClusterError && error.code === "not-found") return false;
      throw error;
    }
  }
}

function isSmall({ at, sizeBytes }: Upload): boolean {
  return at.kind === "bytes" && sizeBytes <= smallBlobMaxBytes;
}
