/** The partitions that one reduce attempt merges: from this disk as they lie, from others over
 *  HTTP, verified.
 *
 *  1. No manifest counts that has not the root which the coordinator committed. What is fetched has
 *     the SHA-256 of its manifest before it is given to a task; the task compares that of every
 *     segment while it reads, whichever worker made it.
 *  2. A source is tried a few times, then asked for anew; what stays away is named in `lostTasks`.
 *  3. What this worker and those beside it have computed is not copied: it gets a second name.
 *  4. Fetched segments lie one after the other in one file. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { isDiskFull } from "../../core/disk-full.ts";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, Hash } from "../../core/ids.ts";
import { refuserFor } from "../../peer/addresses.ts";
import { ShuffleClient } from "../../peer/shuffle/client.ts";
import { hit } from "../../store/failpoint.ts";
import { decodeManifest, type Manifest, manifestMaxBytes } from "../../wire/block/manifest.ts";
import { partitionIn } from "../../wire/block/stored.ts";
import type { RelayAddress } from "../relay-address.ts";
import type { ByteRange } from "./byte-range.ts";
import { diskError } from "./disk-error.ts";
import { ask } from "./http.ts";
import {
  type LocalSegments,
  PartitionsLost,
  type Source,
  sourceOf,
  type Wanted,
} from "./local-segments.ts";
import { waited } from "./retry.ts";
import { writeAll } from "./store-file.ts";
import type { StoredOutputs } from "./stored.ts";

export type FetchLimits = {
  /** Segments under way at once, per attempt. */
  readonly parallelMax: number;
  /** Tries of one source before it counts as lost. */
  readonly triesMax: number;
  /** Longest silence of a source, ms. */
  readonly idleMs: number;
  /** A source that is not connected by then is read by way of the coordinator, ms. */
  readonly nearMs: number;
  /** A segment must come at this rate, bytes/s, after a first `idleMs`. */
  readonly rateMin: number;
  /** Manifests kept for further partitions. */
  readonly manifestsMax: number;
  /** How long an output of the object store may be out of reach before the attempt fails, ms: the
   *  output is not lost. */
  readonly storeAwayMs: number;
};

export const defaultFetchLimits: FetchLimits = {
  parallelMax: 8,
  triesMax: 3,
  idleMs: 10_000,
  nearMs: 1_500,
  rateMin: 64 * 1024,
  manifestsMax: 4_096,
  storeAwayMs: 60_000,
};

export type FetchOrder = Wanted & {
  /** Asks the coordinator for them anew, with other tickets; `sources` has them then. */
  readonly renew: (stage: number, signal: AbortSignal) => Promise<void>;
  /** Name of the file for fetched bytes. */
  readonly name: string;
  readonly signal: AbortSignal;
};

type Part = number | "manifest";
/** `sha256`: of what was fetched. */
type Fetched = { task: number; sizeBytes: number; at: number; sha256: string };

export class PartitionFetcher {
  readonly #local: LocalSegments;
  readonly #limits: FetchLimits;
  readonly #relay: RelayAddress;
  readonly #client: ShuffleClient;
  /** Null: outputs of the object store are read by way of the coordinator. */
  readonly #stored: StoredOutputs | null;
  /** Being asked for anew, by job and stage. */
  readonly #renewing = new Map<string, Promise<void>>();
  /** By root, least lately used first. */
  readonly #manifests = new Map<Hash, Promise<Manifest>>();

  constructor(
    local: LocalSegments,
    relay: RelayAddress,
    limits: FetchLimits = defaultFetchLimits,
    stored: StoredOutputs | null = null,
  ) {
    this.#local = local;
    this.#stored = stored;
    this.#limits = limits;
    this.#relay = relay;
    const { idleMs } = limits;
    // A worker's address is what it says; only what can be none is refused (F3).
    this.#client = new ShuffleClient(refuserFor("machine"), { connectMs: idleMs, idleMs });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  /** One segment for each map task, in their order. Throws `PartitionsLost`, `storage-full`. */
  async segments(order: FetchOrder): Promise<ByteRange[]> {
    const count = order.sources()?.tasks.length ?? 0;
    if (count === 0 && order.sources() === null) {
      throw new ClusterError("download-failed", `no sources of ${order.job} have been received`);
    }
    const segments: Array<ByteRange | null> = new Array(count).fill(null);
    const sizes = new Array<number>(count).fill(0);
    const tasks = Array.from({ length: count }, (_, task) => task);
    await this.#forEach(order, tasks, async (task) => {
      segments[task] = await this.#local.find(order, task);
      if (segments[task] !== null) return;
      sizes[task] = await this.#trying(order, task, async (source) => {
        return (await this.#partition(order, source)).sizeBytes;
      });
    });
    const path = join(order.dir, order.name);
    const wanted: Fetched[] = [];
    let at = 0;
    for (const task of tasks) {
      if (segments[task] !== null) continue;
      const sizeBytes = sizes[task] as number;
      segments[task] = { path, offset: at, sizeBytes, sha256: "" };
      if (sizeBytes > 0) wanted.push({ task, sizeBytes, at, sha256: "" });
      at += sizeBytes;
    }
    hit("shuffle.fetch", "before");
    if (wanted.length > 0) await this.#fetchAll(order, path, wanted);
    hit("shuffle.fetch", "after");
    for (const { task, sizeBytes, at: offset, sha256 } of wanted) {
      segments[task] = { path, offset, sizeBytes, sha256 };
    }
    return segments as ByteRange[];
  }

  /** After a task has read other bytes than it was promised; see `LocalSegments.findDamage`. */
  findDamage(order: FetchOrder, segments: readonly ByteRange[]): Promise<void> {
    const copied = join(order.dir, order.name);
    const lying = segments.map((segment) => (segment.path === copied ? null : segment));
    return this.#local.findDamage(order, lying);
  }

  async #fetchAll(order: FetchOrder, path: string, wanted: readonly Fetched[]): Promise<void> {
    try {
      // The process may have another user; only the folders above keep others out.
      const file = await open(path, "w", 0o644);
      try {
        await this.#forEach(order, wanted, (want) =>
          this.#trying(order, want.task, (source) => this.#fetch(order, source, { file, want })),
        );
      } finally {
        await file.close();
      }
    } catch (error) {
      throw diskError(error, "fetching partitions");
    }
  }

  /** Runs `work` for all, a bounded number at once; all that fail to download are reported
   *  together. */
  async #forEach<T extends number | Fetched>(
    order: FetchOrder,
    all: readonly T[],
    work: (item: T) => Promise<void>,
  ): Promise<void> {
    const lost: number[] = [];
    let cause: unknown;
    let next = 0;
    const lane = async () => {
      while (next < all.length) {
        const item = all[next++] as T;
        order.signal.throwIfAborted();
        await work(item).catch((error: unknown) => {
          if (!(error instanceof ClusterError) || error.code !== "download-failed") throw error;
          cause ??= error;
          lost.push(typeof item === "number" ? item : item.task);
        });
      }
    };
    const lanes = Math.min(this.#limits.parallelMax, all.length);
    const ended = await Promise.allSettled(Array.from({ length: lanes }, lane));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
    lost.sort((a, b) => a - b);
    if (lost.length > 0) throw new PartitionsLost(lost, cause);
  }

  /** Several tries; the count begins again when the coordinator has sent another source. */
  async #trying<T>(
    order: FetchOrder,
    task: number,
    work: (source: Source) => Promise<T>,
  ): Promise<T> {
    let failure: unknown = new Error(`map task ${task} has no output now`);
    let before = "";
    let awayFromMs: number | null = null;
    for (let tries = 0; tries < this.#limits.triesMax; tries++) {
      if (tries > 0) await waited(50 * 4 ** (tries - 1), order.signal);
      const source = sourceOf(order, task);
      const place = source === null ? "" : `${source.url} ${source.ref.attempt} ${source.root}`;
      if (place !== before) tries = 0;
      before = place;
      if (source === null) continue;
      try {
        return await work(source);
      } catch (error) {
        order.signal.throwIfAborted();
        if (isDiskFull(error)) throw error;
        failure = error;
        if (isStored(order, source) && isAway(error)) {
          awayFromMs ??= performance.now();
          if (performance.now() - awayFromMs > this.#limits.storeAwayMs) throw asAway(task, error);
          tries = Math.min(tries, 1);
          continue;
        }
        awayFromMs = null;
        if (!(error instanceof ClusterError)) continue;
        if (error.code === "not-found") tries = Infinity;
        if (error.code === "unauthenticated") await this.#renew(order, source).catch(() => {});
      }
    }
    const why = failure instanceof Error ? failure.message : String(failure);
    throw new ClusterError("download-failed", `output of map task ${task}: ${why}`, {
      cause: failure,
    });
  }

  async #partition(order: FetchOrder, source: Source) {
    const manifest = await this.#manifest(order, source);
    const partition = manifest.at(order.partition);
    if (partition !== undefined) return partition;
    throw new ClusterError("data-lost", `its manifest has no partition ${order.partition}`);
  }

  #manifest(order: FetchOrder, source: Source): Promise<Manifest> {
    const { root } = source;
    let manifest = this.#manifests.get(root);
    this.#manifests.delete(root);
    if (manifest === undefined) {
      manifest = this.#fetchManifest(order, source);
      manifest.catch(() => this.#manifests.delete(root));
    }
    this.#manifests.set(root, manifest);
    for (const oldest of this.#manifests.keys()) {
      if (this.#manifests.size <= this.#limits.manifestsMax) break;
      this.#manifests.delete(oldest);
    }
    return manifest;
  }

  /** A ticket is over, or was made before something changed: all tries share one question. */
  #renew(order: FetchOrder, { ref }: Source): Promise<void> {
    const key = `${ref.job}/${ref.stage}`;
    const known = this.#renewing.get(key);
    if (known !== undefined) return known;
    const asked = order.renew(ref.stage, order.signal).finally(() => this.#renewing.delete(key));
    this.#renewing.set(key, asked);
    return asked;
  }

  async #fetchManifest(order: FetchOrder, source: Source): Promise<Manifest> {
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    const limitMs = this.#limits.idleMs * 2;
    for await (const chunk of this.#read(order, source, { part: "manifest", limitMs })) {
      sizeBytes += chunk.length;
      if (sizeBytes > manifestMaxBytes) {
        throw new ClusterError("limit-exceeded", `a manifest above ${manifestMaxBytes} bytes`);
      }
      chunks.push(Uint8Array.from(chunk));
    }
    const bytes = Buffer.concat(chunks);
    if (createHash("sha256").update(bytes).digest("hex") === source.root) {
      return decodeManifest(bytes);
    }
    throw new ClusterError(
      "data-lost",
      `${holderName(source)} sent a manifest that is not the committed one`,
    );
  }

  async #fetch(
    order: FetchOrder,
    source: Source,
    target: { readonly file: FileHandle; readonly want: Fetched },
  ): Promise<void> {
    const { file, want } = target;
    const partition = await this.#partition(order, source);
    if (partition.sizeBytes !== want.sizeBytes) {
      throw new ClusterError("download-failed", "its output was computed again with another size");
    }
    const { idleMs, rateMin } = this.#limits;
    const limitMs = idleMs + (want.sizeBytes / rateMin) * 1000;
    const digest = createHash("sha256");
    let done = 0;
    const part = order.partition;
    for await (const chunk of this.#read(order, source, { part, limitMs })) {
      if (done + chunk.length > want.sizeBytes) {
        throw new ClusterError(
          "protocol-violated",
          `${holderName(source)} sent more than its manifest says`,
        );
      }
      digest.update(chunk);
      await writeAll(file, chunk, want.at + done);
      done += chunk.length;
    }
    want.sha256 = partition.sha256;
    if (done === want.sizeBytes && digest.digest("hex") === partition.sha256) return;
    const text = `${holderName(source)} sent other bytes than its manifest says`;
    throw new ClusterError("data-lost", text);
  }

  /** A chunk is good until the next one is asked for. */
  async *#read(
    order: FetchOrder,
    source: Source,
    { limitMs, part }: { readonly part: Part; readonly limitMs: number },
  ): AsyncIterable<Uint8Array> {
    const { ref, ticket, url } = source;
    const { signal } = order;
    if (isStored(order, source)) yield* await this.#fromStore(order, source, { limitMs, part });
    // Dialling goes on beside the relay: the next read may find a connection.
    else if (url === "" || !(await this.#client.isNear(url, this.#limits.nearMs))) {
      yield* await this.#askRelay(ref, part, { limitMs, signal });
    } else {
      const { attempt, job, stage, task } = ref;
      const from = { address: url, ticket, job, stage };
      yield* this.#client.read(from, { task, attempt, part }, { limitMs, signal });
    }
  }

  /** Directly, or else by way of the coordinator. */
  async #fromStore(
    order: FetchOrder,
    source: Source,
    { limitMs, part }: { readonly part: Part; readonly limitMs: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    const { ref } = source;
    const { signal } = order;
    const of = { limitMs, signal };
    const place = part === "manifest" ? null : await this.#partition(order, source);
    const direct =
      place === null
        ? this.#stored?.manifest(ref, of)
        : this.#stored?.read(ref, partitionIn(await this.#manifest(order, source), place), of);
    return (await direct) ?? this.#askRelay(ref, part, of);
  }

  async #askRelay(
    { attempt, job, stage, task }: AttemptRef,
    part: Part,
    of: { readonly limitMs: number; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>> {
    const { credential, fingerprint, moved, url } = this.#relay;
    return await ask(new URL(`/shuffle/${job}/${stage}/${task}/${attempt}/${part}`, url), {
      fingerprint,
      idleMs: this.#limits.idleMs,
      headers: { authorization: `Bearer ${credential()}` },
      signal: AbortSignal.any([of.signal, moved, AbortSignal.timeout(Math.ceil(of.limitMs))]),
    });
  }
}

/** The coordinator, or its object store, has it: it may be out of reach, but it is not lost. */
function isStored(order: FetchOrder, { url }: Source): boolean {
  return url === "" && order.sources()?.isStored === true;
}

/** Not there now, or broken off. */
function isAway(error: unknown): boolean {
  return !(error instanceof ClusterError) || error.code === "unavailable";
}

function asAway(task: number, cause: unknown): ClusterError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const text = `the object store does not give the output of map task ${task}: ${why}`;
  return new ClusterError("unavailable", text, { cause });
}

/** For people. */
function holderName({ url }: Source): string {
  return url === "" ? "the coordinator, or its object store," : url;
}
