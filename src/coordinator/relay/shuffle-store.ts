/** Map outputs in the object store of the blobs: workers put and read them by addresses that
 *  expire, and know no credentials.
 *
 *  1. An address is for one object and one kind of call; that of an upload for its size, too.
 *  2. Objects are removed with their job. An attempt may put its own later, while its address is
 *     valid: a sweep follows when it is no more. What was left by a coordinator that was killed
 *     goes with the sweep at the start, or that of each hour.
 *  3. What is read here is not verified: readers know the root. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, JobId } from "../../core/ids.ts";
import type { S3Objects } from "../../engine/s3/objects.ts";
import type { ManifestPartition } from "../../wire/block/manifest.ts";
import {
  firstBytes,
  headBytes,
  manifestBytesIn,
  partitionIn,
  storedKey,
  storedMaxBytes,
} from "../../wire/block/stored.ts";
import type { Timers } from "../loop/timers.ts";

/** How long a PUT that began with a valid address may take, s. */
const latestPutS = 60;

type Objects = Pick<S3Objects, "folders" | "getAddress" | "putAddress" | "read" | "remove">;

export type ShuffleStoreOptions = {
  readonly objects: Objects;
  readonly isRunning: (job: JobId) => boolean;
  /** Resolves when all that is in the log is in the state; rejects when another coordinator has the
   *  log. */
  readonly confirm: () => Promise<unknown>;
  readonly timers: Timers;
  /** How long an address is valid, s. Default: 15 min. */
  readonly expiresS?: number;
  /** Between two sweeps, ms. Default: 1 h. */
  readonly everyMs?: number;
};

export class ShuffleStore {
  readonly expiresS: number;
  readonly #options: ShuffleStoreOptions;
  /** Running jobs that have objects, or may have. */
  readonly #jobs = new Set<JobId>();
  #cancel = () => {};
  #isStopped = false;
  /** The next sweep comes once the addresses of the jobs that ended have expired. */
  #isSoon = false;

  constructor(options: ShuffleStoreOptions) {
    this.#options = options;
    this.expiresS = options.expiresS ?? 900;
  }

  /** Removes what is left of jobs that have ended, now and each hour. */
  start(): void {
    this.#isSoon = false;
    // A store that is away is asked by the next one.
    void this.sweep()
      .catch(() => {})
      .then(() => {
        if (!this.#isSoon) this.#sweepAfter(this.#options.everyMs ?? 3_600_000);
      });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  /** For one PUT. Throws `limit-exceeded`. */
  uploadAddress(ref: AttemptRef, sizeBytes: number): string {
    if (sizeBytes > storedMaxBytes) {
      const text = `an output of ${sizeBytes} bytes; an object store takes ${storedMaxBytes}`;
      throw new ClusterError("limit-exceeded", text);
    }
    this.#jobs.add(ref.job);
    const { expiresS } = this;
    return this.#options.objects.putAddress(storedKey(ref), { expiresS, sizeBytes });
  }

  /** For GETs, of ranges too. */
  addressOf(ref: AttemptRef): string {
    return this.#options.objects.getAddress(storedKey(ref), this.expiresS);
  }

  /** The bytes of the manifest. Throws `not-found`, `unavailable`. */
  async *readManifest(ref: AttemptRef): AsyncGenerator<Uint8Array> {
    const first = await this.#bytes(ref, { start: 0, end: firstBytes });
    const end = headBytes + manifestBytesIn(first);
    yield first.subarray(headBytes, end);
    if (end > first.byteLength) yield* await this.#read(ref, { start: first.byteLength, end });
  }

  /** The bytes of a partition that has some. Throws `not-found`, `unavailable`. */
  async *read(
    ref: AttemptRef,
    manifest: { readonly encodedBytes: number },
    partition: ManifestPartition,
  ): AsyncGenerator<Uint8Array> {
    yield* await this.#read(ref, partitionIn(manifest, partition));
  }

  /** Removes its objects. */
  async jobEnded(job: JobId): Promise<void> {
    if (!this.#jobs.delete(job)) return;
    if (!this.#isSoon) {
      this.#isSoon = true;
      this.#sweepAfter((this.expiresS + latestPutS) * 1_000);
    }
    await this.#options.objects.remove(job);
  }

  /** Removes the objects of jobs that do not run. */
  async sweep(): Promise<void> {
    const { confirm, isRunning, objects } = this.#options;
    const folders = (await objects.folders()).filter((name): name is JobId => /^j-\d+$/.test(name));
    if (folders.length === 0) return;
    await confirm();
    for (const job of folders) {
      if (isRunning(job)) this.#jobs.add(job);
      else await objects.remove(job);
    }
  }

  #sweepAfter(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancel();
    this.#cancel = this.#options.timers.after(delayMs, () => this.start());
  }

  async #bytes(ref: AttemptRef, range: { start: number; end: number }): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of await this.#read(ref, range)) parts.push(part);
    return Buffer.concat(parts);
  }

  async #read(ref: AttemptRef, range: { start: number; end: number }) {
    const bytes = await this.#options.objects.read(storedKey(ref), range);
    if (bytes !== null) return bytes;
    const text = `the object store has no output of map task ${ref.task} any more`;
    throw new ClusterError("not-found", text);
  }
}
