/** The cluster that computes what comes by the filesystem protocol: a coordinator, by its HTTP API.
 *  Nothing here is executed in this process. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Client } from "../../sdk/client.ts";
import { jobResult } from "../../sdk/collect.ts";
import { readPickle } from "../../wire/filesystem/pickle/reader.ts";
import type { PyValue } from "../../wire/filesystem/value.ts";
import { buildFunctions, type FunctionJob, hashOf, type InputPart } from "./functions.ts";

/** How long a coordinator that is away is waited for, ms. */
const patienceMs = 600_000;
const slotsKeptMs = 2_000;

export class Cluster {
  readonly #client: Client;
  #slots = { atMs: Number.NEGATIVE_INFINITY, count: Promise.resolve(1) };

  constructor(client: Client) {
    this.#client = client;
  }

  /** Of all its workers, at least 1. Asked every 2 s at most. */
  slots(): Promise<number> {
    const nowMs = performance.now();
    if (nowMs - this.#slots.atMs > slotsKeptMs) {
      const count = this.#client.workers().then(
        (workers) =>
          workers.reduce((sum, { slots, state }) => sum + (state === "live" ? slots : 0), 0) || 1,
        () => 1,
      );
      this.#slots = { atMs: nowMs, count };
    }
    return this.#slots.count;
  }

  /** Stores bytes that a job will read, unless they are there. */
  async part(name: string, bytes: Uint8Array): Promise<InputPart> {
    const [hash, sizeBytes] = [hashOf(bytes), bytes.length];
    // Another task of the job may just have ended, and taken along what both are made of: what is
    // asked for anew stays.
    this.#client.forgetBlobs();
    await this.#client.putBlob({ hash, sizeBytes, at: { kind: "bytes", bytes } });
    return { name, hash, sizeBytes };
  }

  /** The job's id; the same `key` gives the same job again. */
  async submit(job: FunctionJob, key: string): Promise<string> {
    const { code, plan, spec } = buildFunctions(job);
    await Promise.all([this.part("code", code), this.part("plan", plan)]);
    return this.#client.submit(spec, key);
  }

  /** Its state now, and at each change until it has ended. */
  watch(job: string, signal: AbortSignal): AsyncGenerator<JobSummary, void> {
    return this.#client.watch(job, { signal, patienceMs });
  }

  /** What the job's functions returned, in order. Throws `user-error` for what is no plain
   *  value. */
  async *results(summary: JobSummary): AsyncGenerator<PyValue, void> {
    const { parts } = await jobResult(this.#client, summary);
    for (const part of parts) {
      const input = Readable.from(part.read());
      for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
        const { value } = JSON.parse(line) as { readonly value: string };
        yield plainValue(value);
      }
    }
  }

  async cancel(job: string): Promise<void> {
    await this.#client.cancel(job);
  }

  /** Of a task that was handed on: nothing needs it any more. */
  async remove(job: string): Promise<void> {
    await this.#client.remove(job);
  }
}

function plainValue(text: string): PyValue {
  try {
    return readPickle(Buffer.from(text, "base64"));
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new ClusterError(
      "user-error",
      `the functions gave what is no plain value: ${error.text}`,
    );
  }
}
