/** Map outputs in the coordinator's object store: put and read directly, by addresses that the
 *  coordinator gives for a while. This worker knows no credentials.
 *
 *  1. An output is there once its PUT is acknowledged; only then is its task reported as done.
 *  2. Each try of a PUT has an address of its own; a read whose address has expired gets another.
 *  3. A store that stays away, or refuses, is left alone for a while: outputs then come and go by
 *     way of the coordinator.
 *  4. What is read is verified by the reader, as from anywhere else. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { StoredAddresses, UploadAddress } from "../../wire/api/messages.ts";
import {
  firstBytes,
  headBytes,
  manifestBytesIn,
  type StoredRange,
  storedHead,
  storedMaxBytes,
} from "../../wire/block/stored.ts";
import { type AskOptions, ask, readAll } from "./http.ts";
import { openOutput } from "./open-output.ts";
import type { Output } from "./outputs.ts";
import { retrying } from "./retry.ts";
import { refusalOfStore } from "./store-refusal.ts";

/** A GET of the coordinator's HTTP API, answered by JSON; tried again while it is away. */
export type AskCoordinator = <T>(
  path: string,
  options: { readonly sizeMaxBytes: number; readonly signal: AbortSignal },
) => Promise<T>;

export type StoredOptions = {
  readonly ask: AskCoordinator;
  /** Longest silence of the store, ms. Default: 30 s. */
  readonly idleMs?: number;
  /** A call is tried again for so long before the store counts as away, ms. Default: 15 s. */
  readonly patienceMs?: number;
  /** How long it is left alone then, ms. Default: 60 s. */
  readonly restMs?: number;
  /** For people: what is done in its place. */
  readonly onTrouble?: (text: string) => void;
};

type Within = { readonly limitMs: number; readonly signal: AbortSignal };
type Block = {
  readonly found: Promise<StoredAddresses>;
  readonly askedAtMs: number;
  untilMs: number;
};

/** Of 256 addresses with their signatures. */
const addressesMaxBytes = 4 << 20;
const addressesPerBlock = 256;
/** Blocks of addresses that are kept. */
const blocksMax = 1_024;
/** A block that is younger is not asked for again, though it lacks an address, ms. */
const freshMs = 1_000;
/** Of the time for which an address is valid, so that a read that has begun can end. */
const usedShare = 0.7;

export class StoredOutputs {
  readonly #options: Required<Omit<StoredOptions, "onTrouble">> & Pick<StoredOptions, "onTrouble">;
  /** By job, stage and block of tasks; the oldest first. */
  readonly #blocks = new Map<string, Block>();
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: StoredOptions) {
    this.#options = { idleMs: 30_000, patienceMs: 15_000, restMs: 60_000, ...options };
  }

  /** Whether the store takes an output of this size. */
  takes(output: Output): boolean {
    return sizeOf(output) <= storedMaxBytes;
  }

  /** False: the store cannot be used now. Throws what the coordinator refuses. */
  async put(output: Output, signal: AbortSignal): Promise<boolean> {
    if (this.#rests) return false;
    const { attempt, job, stage, task } = output.ref;
    const ofAttempt = `/shuffle/${job}/${stage}/${task}/${attempt}`;
    const path = `${ofAttempt}/upload?sizeBytes=${sizeOf(output)}`;
    try {
      await this.#retrying(signal, async () => {
        const call = { sizeMaxBytes: 64 * 1024, signal };
        const { url } = await ofCoordinator(this.#options.ask<UploadAddress>(path, call));
        await this.#send(url, output, signal);
      });
      return true;
    } catch (error) {
      this.#giveUp(error, signal, "outputs are left with the coordinator");
      return false;
    }
  }

  /** The bytes of the manifest; null: read it by way of the coordinator. */
  async manifest(ref: AttemptRef, within: Within): Promise<AsyncIterable<Uint8Array> | null> {
    const head = await this.read(ref, { start: 0, end: firstBytes }, within);
    if (head === null) return null;
    const chunks: Uint8Array[] = [];
    for await (const chunk of head) chunks.push(chunk);
    const first = Buffer.concat(chunks);
    const end = headBytes + manifestBytesIn(first);
    const begin = first.subarray(headBytes, end);
    if (end <= first.length) return one(begin);
    const rest = await this.read(ref, { start: first.length, end }, within);
    return rest === null ? null : joined(begin, rest);
  }

  /** Bytes [start, end), fewer where the object ends; null: read them by way of the coordinator.
   *  Throws `not-found` when the store has lost it. */
  async read(
    ref: AttemptRef,
    range: StoredRange,
    within: Within,
  ): Promise<AsyncIterable<Uint8Array> | null> {
    if (this.#rests) return null;
    const { signal } = within;
    try {
      return await this.#retrying(signal, async () => {
        const url = await this.#addressOf(ref, signal);
        return url === null ? null : await this.#get(url, ref, { range, within });
      });
    } catch (error) {
      if (error instanceof ClusterError && error.code === "not-found") throw error;
      this.#giveUp(error, signal, "outputs are read by way of the coordinator");
      return null;
    }
  }

  /** Addresses of a job that has ended are of no use. */
  closeJob(job: string): void {
    for (const key of this.#blocks.keys()) if (key.startsWith(`${job}/`)) this.#blocks.delete(key);
  }

  get #rests(): boolean {
    return performance.now() < this.#restsUntilMs;
  }

  async #send(url: string, output: Output, signal: AbortSignal): Promise<void> {
    const [manifest, run] = await Promise.all([
      openOutput(output.manifestPath),
      openOutput(output.runPath),
    ]);
    try {
      const manifestBytes = output.manifest.encodedBytes;
      async function* bytes() {
        yield storedHead(manifestBytes);
        yield* manifest.createReadStream({ autoClose: false });
        yield* run.createReadStream({ autoClose: false });
      }
      const headers = { "content-length": String(sizeOf(output)) };
      const body = Readable.from(bytes(), { objectMode: false });
      await readAll(await this.#ask(url, { method: "PUT", headers, body, signal }), 64 * 1024);
    } finally {
      await Promise.all([manifest.close(), run.close()]);
    }
  }

  async #get(
    url: string,
    ref: AttemptRef,
    { range, within }: { readonly range: StoredRange; readonly within: Within },
  ): Promise<IncomingMessage> {
    const limit = AbortSignal.timeout(Math.ceil(within.limitMs));
    const signal = AbortSignal.any([within.signal, limit]);
    const headers = { range: `bytes=${range.start}-${range.end - 1}` };
    try {
      const answer = await this.#ask(url, { headers, signal });
      if (answer.statusCode === 206) return answer;
      answer.destroy();
      throw new ClusterError("protocol-violated", `${hostOf(url)} does not send ranges`);
    } catch (error) {
      const isExpired = error instanceof ClusterError && error.code === "unauthenticated";
      if (isExpired) this.#blocks.delete(blockOf(ref));
      throw limit.aborted ? away(url, "it took too long") : error;
    }
  }

  async #ask(url: string, options: Partial<AskOptions>): Promise<IncomingMessage> {
    const at = new URL(url);
    const refusal = (status: number, body: Buffer) => refusalOfStore(at.host, status, body);
    return ask(at, { idleMs: this.#options.idleMs, ...options, refusal });
  }

  /** Null: the coordinator has no address of it. */
  async #addressOf(ref: AttemptRef, signal: AbortSignal): Promise<string | null> {
    const known = this.#blocks.get(blockOf(ref));
    const found = addressIn(await ofCoordinator(this.#block(ref, signal)), ref);
    if (found !== null || known === undefined) return found;
    // It may have been computed again since.
    if (performance.now() - known.askedAtMs < freshMs) return null;
    if (this.#blocks.get(blockOf(ref)) === known) this.#blocks.delete(blockOf(ref));
    return addressIn(await ofCoordinator(this.#block(ref, signal)), ref);
  }

  #block(ref: AttemptRef, signal: AbortSignal): Promise<StoredAddresses> {
    const key = blockOf(ref);
    const known = this.#blocks.get(key);
    const askedAtMs = performance.now();
    if (known !== undefined && askedAtMs < known.untilMs) return known.found;
    const { job, stage, task } = ref;
    const from = task - (task % addressesPerBlock);
    const path = `/shuffle/${job}/${stage}/addresses?from=${from}`;
    const found = this.#options.ask<StoredAddresses>(path, {
      sizeMaxBytes: addressesMaxBytes,
      signal,
    });
    const block: Block = { found, askedAtMs, untilMs: Number.POSITIVE_INFINITY };
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    found.then(
      ({ forMs }) => {
        block.untilMs = performance.now() + forMs * usedShare;
      },
      () => this.#blocks.get(key) === block && this.#blocks.delete(key),
    );
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= blocksMax) break;
      this.#blocks.delete(oldest);
    }
    return found;
  }

  #retrying<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { patienceMs: limitMs } = this.#options;
    let hasExpired = false;
    const once = async () => {
      try {
        return await attempt();
      } catch (error) {
        // Once more, with another address.
        const isExpired = error instanceof ClusterError && error.code === "unauthenticated";
        if (!isExpired || hasExpired) throw error;
        hasExpired = true;
        return await attempt();
      }
    };
    return retrying(once, { limitMs, firstWaitMs: 100, signal });
  }

  /** Throws what says nothing of the store. */
  #giveUp(error: unknown, signal: AbortSignal, instead: string): void {
    signal.throwIfAborted();
    if (error instanceof CoordinatorFailed && !error.mayNotUse) throw error.failure;
    const isKnown = error instanceof ClusterError && error.code !== "task-crashed";
    if (!isKnown && !(error instanceof CoordinatorFailed)) throw error;
    const { onTrouble, restMs } = this.#options;
    this.#restsUntilMs = performance.now() + restMs;
    const { text } = error instanceof CoordinatorFailed ? error.failure : error;
    const forS = `for ${Math.round(restMs / 1_000)} s`;
    onTrouble?.(`the object store cannot be used: ${text}; ${forS} ${instead}`);
  }
}

/** Not the store has failed. */
class CoordinatorFailed extends Error {
  readonly failure: ClusterError;

  constructor(failure: ClusterError) {
    super(failure.message);
    this.failure = failure;
  }

  /** This worker gets no addresses, or there is no store. */
  get mayNotUse(): boolean {
    return this.failure.code === "forbidden" || this.failure.code === "bad-request";
  }
}

async function ofCoordinator<T>(asked: Promise<T>): Promise<T> {
  return asked.catch((error: unknown) => {
    throw error instanceof ClusterError ? new CoordinatorFailed(error) : error;
  });
}

function addressIn({ addresses, from }: StoredAddresses, ref: AttemptRef): string | null {
  const entry = addresses[ref.task - from] ?? null;
  return entry !== null && entry[0] === ref.attempt ? entry[1] : null;
}

function sizeOf({ manifest }: Output): number {
  return headBytes + manifest.encodedBytes + manifest.sizeBytes;
}

function blockOf({ job, stage, task }: AttemptRef): string {
  return `${job}/${stage}/${Math.floor(task / addressesPerBlock)}`;
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function away(url: string, why: string): ClusterError {
  return new ClusterError("unavailable", `${hostOf(url)}: ${why}`);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* joined(
  begin: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield begin;
  yield* rest;
}
