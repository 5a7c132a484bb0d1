/** Brings blobs to the coordinator, as far as they are not there. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { steadyMs } from "../../environment/steady.ts";
import {
  missingBlobsMax,
  type SmallBlobs,
  smallBlobMaxBytes,
  smallBlobsMax,
} from "../../wire/api/messages.ts";
import type { Upload } from "../plan/upload.ts";
import { Patience, type TransferOptions } from "./patience.ts";
import { sendInRanges } from "./send-ranges.ts";
import type { Call, Transport } from "./transport.ts";

/** How long a blob that was seen at the coordinator is taken to be there, in ms: well below the
 *  hour that unused ones are kept. A job that names one that is gone is refused. */
const seenForMs = 600_000;
const seenMax = 10_000;
const uploadsAtOnce = 4;
/** Smaller ones travel in one call: in ranges they would need three. */
const rangesFromBytes = 1 << 20;
/** Of one call with several small blobs: it has a minute to arrive. */
const smallCallMaxBytes = 512 * 1024;

export class Uploads {
  readonly #transport: Transport;
  /** When each blob was last seen at the coordinator. */
  readonly #seenAtMs = new Map<Hash, number>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Stores bytes, unless they are there already. */
  async put(upload: Upload, options: TransferOptions = {}): Promise<void> {
    const { hash, sizeBytes } = upload;
    if (this.#isSeen(hash)) return options.onBytes?.(sizeBytes);
    const isLarge = sizeBytes >= rangesFromBytes;
    if (!isLarge || !(await sendInRanges(this.#transport, upload, options))) {
      if (!(await this.#hasBlob(hash, options))) await this.#sendBlob(upload, options);
      options.onBytes?.(sizeBytes);
    }
    this.#see(hash);
  }

  /** The same for several. Small ones go together, and those that are in memory without asking
   *  whether they are there: they are the code and the plan of a job. */
  async putAll(uploads: readonly Upload[], options: TransferOptions = {}): Promise<void> {
    const isNew = ({ hash }: Upload) => !this.#isSeen(hash);
    const files = uploads.filter(({ at }) => at.kind === "path");
    if (files.length > 1) await this.#lookFor(files.filter(isNew), options);
    for (const { hash, sizeBytes } of uploads) {
      if (this.#isSeen(hash)) options.onBytes?.(sizeBytes);
    }
    const left = uploads.filter(isNew);
    const calls: Array<() => Promise<void>> = batchesOf(left.filter(isSmall)).map(
      (small) => () => this.#putSmall(small, options),
    );
    for (const one of left) if (isMiddling(one)) calls.push(() => this.put(one, options));
    const queue = calls.values();
    const some = async () => {
      for (const call of queue) await call();
    };
    await Promise.all(Array.from({ length: uploadsAtOnce }, some));
    // Each of these fills the line alone.
    for (const one of left) if (!isSmall(one) && !isMiddling(one)) await this.put(one, options);
  }

  /** Notes which are there, in as few calls as possible. */
  async #lookFor(uploads: readonly Upload[], options: TransferOptions): Promise<void> {
    const names = [...new Set(uploads.map(({ hash }) => hash))];
    for (let at = 0; at < names.length; at += missingBlobsMax) {
      const hashes = names.slice(at, at + missingBlobsMax);
      const json = { hashes };
      const call = { method: "POST", path: "/v1/missing-blobs", json } as const;
      const { missing } = await this.#ask<{ missing: Hash[] }>(call, options).catch(allOf(hashes));
      const away = new Set(missing);
      for (const hash of hashes) if (!away.has(hash)) this.#see(hash);
    }
  }

  async #putSmall(uploads: readonly Upload[], options: TransferOptions): Promise<void> {
    const blobs = await Promise.all(
      uploads.map(async (one) => (await bytesOf(one)).toString("base64")),
    );
    const json: SmallBlobs = { blobs };
    await this.#ask({ method: "POST", path: "/v1/small-blobs", json }, options);
    for (const { hash, sizeBytes } of uploads) {
      this.#see(hash);
      options.onBytes?.(sizeBytes);
    }
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

  #ask<T>(call: Call, options: TransferOptions): Promise<T> {
    const { signal } = options;
    const ended = signal === undefined ? call : { ...call, signal };
    return new Patience(options).until(() => this.#transport.json<T>(ended));
  }

  async #sendBlob({ hash, sizeBytes, at }: Upload, options: TransferOptions): Promise<void> {
    const headers = {
      "x-content-sha256": hash,
      "content-length": String(sizeBytes),
      "content-type": "application/octet-stream",
    };
    const { signal } = options;
    await new Patience(options).until(() => {
      const body = bodyOf(at);
      const call: Call = { method: "POST", path: "/v1/blobs", body, headers };
      return this.#transport.json(signal === undefined ? call : { ...call, signal });
    });
  }

  async #hasBlob(hash: Hash, options: TransferOptions): Promise<boolean> {
    try {
      const call = { method: "HEAD", path: `/v1/blobs/${hash}` } as const;
      const answer = await new Patience(options).until(() => this.#transport.open(call));
      answer.resume();
      return true;
    } catch (error) {
      if (error instanceof ClusterError && error.code === "not-found") return false;
      throw error;
    }
  }
}

/** An older coordinator cannot be asked so: then each is looked for alone, or sent. */
function allOf(missing: readonly Hash[]): (error: unknown) => { missing: readonly Hash[] } {
  return (error) => {
    if (error instanceof ClusterError && error.code === "not-found") return { missing };
    throw error;
  };
}

function isSmall({ sizeBytes }: Upload): boolean {
  return sizeBytes <= smallBlobMaxBytes;
}

function isMiddling({ sizeBytes }: Upload): boolean {
  return sizeBytes > smallBlobMaxBytes && sizeBytes < rangesFromBytes;
}

/** For one call each. */
function batchesOf(uploads: readonly Upload[]): Upload[][] {
  const batches: Upload[][] = [];
  let batchBytes = 0;
  for (const one of uploads) {
    const last = batches.at(-1);
    const fits = last !== undefined && last.length < smallBlobsMax;
    if (fits && batchBytes + one.sizeBytes <= smallCallMaxBytes) {
      last.push(one);
      batchBytes += one.sizeBytes;
    } else {
      batches.push([one]);
      batchBytes = one.sizeBytes;
    }
  }
  return batches;
}

function bodyOf(at: Upload["at"]): NonNullable<Call["body"]> {
  if (at.kind === "bytes") return at.bytes;
  return at.kind === "path" ? createReadStream(at.path) : at.content.stream();
}

async function bytesOf({ at }: Upload): Promise<Buffer> {
  if (at.kind === "path") return readFile(at.path);
  return Buffer.from(at.kind === "bytes" ? at.bytes : await at.content.bytes());
}
