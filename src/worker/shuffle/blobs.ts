/** The coordinator's HTTP edge as a worker uses it: blobs in and out, and inputs that it relays. */
import { access } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, Hash, JobId } from "../../core/ids.ts";
import { Lanes } from "../../core/transfer/lanes.ts";
import {
  type RangeSource,
  rangesFromBytes,
  readInRanges,
  type Span,
} from "../../link/http/range-reader.ts";
import type { BlobPut } from "../../store/blob/blob.ts";
import type { DiskBlobs } from "../../store/blob/disk.ts";
import type { NeededOutputs, Reached } from "../../wire/api/messages.ts";
import type { StageSources } from "../../wire/manager/messages.ts";
import type { RelayAddress } from "../relay-address.ts";
import { type AskOptions, ask, readAll } from "./http.ts";
import { openOutput } from "./open-output.ts";
import type { Output } from "./outputs.ts";
import { retrying, waited } from "./retry.ts";
import { storeVerified } from "./store-file.ts";

export type BlobsOptions = {
  readonly coordinator: RelayAddress;
  /** How long the coordinator may be away (it restarts) before a transfer fails, ms. */
  readonly limitMs: number;
  /** Longest silence in a transfer, ms. */
  readonly idleMs: number;
  /** The coordinator's own blobs, when they lie on a disk of this machine. */
  readonly store?: DiskBlobs | null;
};

/** Of an input: for what has arrived before it can be taken, in each slot. */
const inputAheadBytes = 8 << 20;
/** Of a job with a million tasks. */
const sourcesMaxBytes = 128 * 1024 * 1024;
const neededMaxBytes = 1024 * 1024;

export class CoordinatorBlobs {
  readonly #options: BlobsOptions;
  #store: DiskBlobs | null;
  /** Of the line from the coordinator: all slots share it. */
  readonly #lanes = new Lanes(performance.now());

  constructor(options: BlobsOptions) {
    this.#options = options;
    this.#store = options.store ?? null;
  }

  /** The blob as a file at `path`, verified; nothing is fetched when it is there already. */
  async fetchTo(hash: Hash, path: string, signal: AbortSignal): Promise<void> {
    if (await exists(path)) return;
    await this.#retrying(signal, async () => {
      const response = await this.#ask(`/v1/blobs/${hash}`, { signal });
      await storeVerified(bodyOf(response), path, hash);
    });
  }

  /** Stores a file that our own code has written, and hashed while it did: when the coordinator's
   *  disk is at hand it gets a second name there, and no byte is copied. `storage-failed`: the disk
   *  has made other bytes of it, which another attempt computes again. */
  async hand(path: string, hash: Hash, signal: AbortSignal): Promise<BlobPut> {
    if (this.#store !== null) {
      try {
        const put = await this.#store.adopt(path, hash);
        // Once the coordinator has been asked for it, it is not swept before a report names it.
        await readAll(await this.#ask(`/v1/blobs/${hash}`, { signal, method: "HEAD" }), 0);
        return put;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ClusterError && error.code === "data-lost") {
          const text = `the result of a task has changed on this disk: ${error.text}`;
          throw new ClusterError("storage-failed", text, { cause: error });
        }
        // Another user's, another disk, another coordinator: it goes the usual way, from now on.
        this.#store = null;
      }
    }
    return this.upload(path, hash, signal);
  }

  /** Stores a regular file (never what a link points to), which must have that hash unless it is
   *  null. */
  async upload(path: string, hash: Hash | null, signal: AbortSignal): Promise<BlobPut> {
    const upload = async () => {
      const handle = await openOutput(path);
      try {
        const sizeBytes = (await handle.stat()).size;
        const response = await this.#ask("/v1/blobs", {
          signal,
          method: "POST",
          body: handle.createReadStream({ autoClose: false }),
          headers: {
            "content-type": "application/octet-stream",
            "content-length": String(sizeBytes),
            ...(hash === null ? {} : { "x-content-sha256": hash }),
          },
        });
        return JSON.parse((await readAll(response, 4096)).toString("utf8")) as BlobPut;
      } finally {
        await handle.close();
      }
    };
    try {
      return await this.#retrying(signal, upload);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "data-lost") throw error;
      // Only job code can write there: it has changed the file since it was reported.
      throw new ClusterError("task-crashed", `its output is not what it reported: ${error.text}`);
    }
  }

  /** Leaves a map output with the coordinator, since other workers cannot fetch it from here, or
   *  cannot any more. */
  async relay(output: Output, signal: AbortSignal): Promise<void> {
    const { attempt, job, stage, task } = output.ref;
    // In this order: by the manifest the run is checked as it passes.
    const files = [
      ["manifest", output.manifestPath],
      ["run", output.runPath],
    ] as const;
    await this.#retrying(signal, async () => {
      for (const [what, path] of files) {
        const handle = await openOutput(path);
        try {
          const sizeBytes = (await handle.stat()).size;
          const response = await this.#ask(`/shuffle/${job}/${stage}/${task}/${attempt}/${what}`, {
            signal,
            method: "PUT",
            body: handle.createReadStream({ autoClose: false }),
            headers: {
              "content-type": "application/octet-stream",
              "content-length": String(sizeBytes),
            },
          });
          await readAll(response, 4096);
        } finally {
          await handle.close();
        }
      }
    });
  }

  /** What would be lost with this worker, if it left now; asked once. */
  async needed(signal: AbortSignal): Promise<readonly AttemptRef[]> {
    const response = await this.#ask("/shuffle/leaving", { signal });
    const bytes = await readAll(response, neededMaxBytes);
    return (JSON.parse(bytes.toString("utf8")) as NeededOutputs).outputs;
  }

  /** A GET that is answered by JSON. */
  async json<T>(
    path: string,
    { signal, sizeMaxBytes }: { readonly sizeMaxBytes: number; readonly signal: AbortSignal },
  ): Promise<T> {
    return this.#retrying(signal, async () => {
      const bytes = await readAll(await this.#ask(path, { signal }), sizeMaxBytes);
      return JSON.parse(bytes.toString("utf8")) as T;
    });
  }

  /** Whether the coordinator can connect to the address that this worker has given. */
  async isReached(signal: AbortSignal): Promise<boolean> {
    const bytes = await readAll(await this.#ask("/shuffle/reach", { signal }), 4096);
    return (JSON.parse(bytes.toString("utf8")) as Reached).isReached;
  }

  /** Where the outputs of a stage lie now, with tickets for this worker, which must have an attempt
   *  that reads them. */
  async sources(job: JobId, stage: number, signal: AbortSignal): Promise<StageSources> {
    const response = await this.#ask(`/shuffle/${job}/${stage}/sources`, { signal });
    const bytes = await readAll(response, sourcesMaxBytes);
    return JSON.parse(bytes.toString("utf8")) as StageSources;
  }

  /** Bytes [start, end) of a file of the job's plan, through the coordinator. */
  async *input(
    job: JobId,
    file: number,
    { end, start }: Span,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const read = (span: Span, by: AbortSignal) => this.#inputRange({ job, file }, span, by);
    // What is under way is asked for again after a cut, each with the time that a call has.
    const lastMs = { moved: performance.now() };
    const moved = () => {
      lastMs.moved = performance.now();
    };
    const { limitMs } = this.#options;
    const source: RangeSource = {
      read,
      moved,
      async pause(error, tries) {
        signal.throwIfAborted();
        const mayRetry = error instanceof ClusterError && error.code === "unavailable";
        if (!mayRetry || performance.now() - lastMs.moved > limitMs) throw error;
        const waitMs = Math.min(2_000, 100 * 2 ** Math.min(tries, 5));
        await waited(waitMs, signal);
      },
      nowMs: () => performance.now(),
      name: `input ${file}`,
    };
    if (end - start >= rangesFromBytes) {
      const options = { signal, aheadMaxBytes: inputAheadBytes, lanes: this.#lanes };
      yield* readInRanges(source, { start, end }, options);
      return;
    }
    // A stream that breaks goes on where it broke.
    for (let at = start, tries = 0; at < end; tries++) {
      try {
        for await (const chunk of read({ start: at, end }, signal)) {
          at += chunk.length;
          tries = 0;
          moved();
          yield chunk;
        }
      } catch (error) {
        await source.pause(error, tries);
      }
    }
  }

  /** One call; throws `unavailable` when it breaks off, `data-lost` when the file is shorter. */
  async *#inputRange(
    { file, job }: { readonly job: JobId; readonly file: number },
    { end, start }: Span,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const headers = { range: `bytes=${start}-${end - 1}` };
    const response = await this.#ask(`/v1/jobs/${job}/input/${file}`, { signal, headers });
    let at = start;
    for await (const chunk of bodyOf(response)) {
      at += chunk.length;
      if (at > end) throw tooMuch(file);
      yield chunk;
    }
    if (at < end) throw tooLittle(file);
  }

  #ask(path: string, options: Partial<AskOptions>): Promise<IncomingMessage> {
    const { coordinator, idleMs } = this.#options;
    const { credential, fingerprint, moved, url } = coordinator;
    const headers = { ...options.headers, authorization: `Bearer ${credential()}` };
    const signal = options.signal === undefined ? moved : AbortSignal.any([options.signal, moved]);
    return ask(new URL(path, url), { idleMs, fingerprint, ...options, headers, signal });
  }

  #retrying<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    const { limitMs } = this.#options;
    return retrying(attempt, { limitMs, firstWaitMs: 100, signal });
  }
}

/** A body that breaks off is worth another try. */
async function* bodyOf(response: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    yield* response as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw asUnavailable(error);
  }
}

function asUnavailable(error: unknown): unknown {
  if (error instanceof ClusterError) return error;
  const text = `a transfer from the coordinator broke off: ${(error as Error).message}`;
  return new ClusterError("unavailable", text, { cause: error });
}

function tooMuch(file: number): ClusterError {
  return new ClusterError(
    "protocol-violated",
    `more bytes of input ${file} came than were asked for`,
  );
}

function tooLittle(file: number): ClusterError {
  return new ClusterError(
    "data-lost",
    `input ${file} is shorter than the plan says; submit it again`,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
