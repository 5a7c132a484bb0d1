/** The coordinator's HTTP API as functions, for the command line and for programs. */
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import type { JobSpec, JobState } from "../core/job.ts";
import type { JobSummary, MemberSummary, RemovedSummary, WorkerSummary } from "../core/summary.ts";
import type { TaskHistory } from "../core/why/history.ts";
import type { Why } from "../core/why/reasons.ts";
import type { Attempts } from "../wire/api/attempts.ts";
import type {
  Health,
  LogLine,
  Me,
  Output,
  Removed,
  SharedInput,
  Stopped,
  Submitted,
  TokenAnswer,
  TokenRequest,
  TokenRevoked,
  TokenView,
} from "../wire/api/messages.ts";
import { Drawn } from "./client/drawn.ts";
import { firstOrElse } from "./client/first-or-else.ts";
import { jobPath } from "./client/job-path.ts";
import type { TransferOptions } from "./client/patience.ts";
import { type FollowOptions, patiently } from "./client/patiently.ts";
import { type BlobSources, blobSources, type ReadOptions, readBlob } from "./client/read-blob.ts";
import { readLines } from "./client/read-lines.ts";
import { freshKey, submitting } from "./client/submitting.ts";
import { Transport, type TransportOptions } from "./client/transport.ts";
import { Uploads } from "./client/uploads.ts";
import type { FailedTask, TaskFailure } from "./failed-tasks.ts";
import type { Upload } from "./plan/upload.ts";

export type { FollowOptions, ReadOptions, TransferOptions };
export type ConnectOptions = TransportOptions;

/** How long the coordinator is asked to hold a call for results back, in ms. */
const resultsWaitMs = 20_000;

/** A client whose coordinator has answered. Throws `unavailable` when nothing does. */
export async function connect(options: ConnectOptions): Promise<Client> {
  const client = new Client(options);
  try {
    await client.health();
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

export type JobList = {
  readonly jobs: readonly JobSummary[];
  readonly removed: readonly RemovedSummary[];
};

/** `failed`: why the task has none, in a job that keeps going; absent = it has one. */
export type CommittedResult = readonly [index: number, result: unknown, failed?: TaskFailure];

export type JobWithResults = {
  /** Durable, as after `submit`. */
  readonly job: string;
  /** In order, once the job is done; to be read once. */
  readonly results: AsyncIterable<unknown>;
};

export class Client {
  readonly #transport: Transport;
  readonly #nearBlob: NonNullable<ConnectOptions["nearBlob"]>;
  #host: string | null = null;
  readonly #uploads: Uploads;
  readonly #sources: BlobSources;
  /** What the page of a job draws. */
  readonly drawn: Drawn;

  constructor(options: ConnectOptions) {
    this.#transport = new Transport(options);
    this.#nearBlob = options.nearBlob ?? (async () => null);
    this.#uploads = new Uploads(this.#transport);
    this.#sources = blobSources(this.#transport);
    this.drawn = new Drawn(this.#transport);
  }

  /** Of the coordinator that is called now. */
  get url(): string {
    return this.#transport.url;
  }

  async health(): Promise<Health> {
    const health = await this.#transport.json<Health>({ method: "GET", path: "/v1/health" });
    this.#host = health.host;
    this.#transport.learn(health.coordinators ?? []);
    return health;
  }

  /** Who the token belongs to. Throws `unauthenticated`. */
  me(): Promise<Me> {
    return this.#transport.json({ method: "GET", path: "/v1/me" });
  }

  /** The machine of the coordinator, as it was when its health was last asked for. */
  async host(): Promise<string> {
    return this.#host ?? (await this.health()).host;
  }

  /** What members share under this name now, as inputs of a job. Throws `not-found`. */
  async sharedInputs(name: string): Promise<readonly SharedInput[]> {
    const path = `/v1/shared-inputs?name=${encodeURIComponent(name)}`;
    const { files } = await this.#transport.json<{ files: SharedInput[] }>({ method: "GET", path });
    return files;
  }

  /** Stores bytes, unless they are there already: large ones in ranges, over cuts. */
  putBlob(upload: Upload, options: TransferOptions = {}): Promise<void> {
    return this.#uploads.put(upload, options);
  }

  /** The same for several: small ones go in one call. */
  putBlobs(uploads: readonly Upload[], options: TransferOptions = {}): Promise<void> {
    return this.#uploads.putAll(uploads, options);
  }

  /** To be called when blobs were removed at the coordinator: each is looked for again when it is
   *  next to be stored. */
  forgetBlobs(): void {
    this.#uploads.forget();
  }

  /** The blob's bytes; `data-lost` at the end when they are not what the hash says. Goes on where
   *  it was when the line is cut. */
  getBlob(hash: Hash, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void> {
    return this.#blob(hash, false, options);
  }

  /** The same for a reader that copies the bytes at once, in little memory: a chunk may be
   *  overwritten when the second after it is asked for. */
  lendBlob(hash: Hash, options: ReadOptions = {}): AsyncGenerator<Uint8Array, void> {
    return this.#blob(hash, true, options);
  }

  async *#blob(
    hash: Hash,
    isLent: boolean,
    options: ReadOptions,
  ): AsyncGenerator<Uint8Array, void> {
    const near = await this.#nearBlob(hash, isLent);
    if (near === null) return yield* readBlob(this.#sources, hash, options);
    for await (const chunk of near) {
      options.signal?.throwIfAborted();
      options.onBytes?.(chunk.length);
      yield chunk;
    }
  }

  /** Submits once: tried again while the coordinator is unavailable, under one idempotency key. */
  async submit(spec: JobSpec, key: string | null = null): Promise<string> {
    return (await this.submitKeyed(spec, key)).job;
  }

  /** The same, and whether the key named the job before; also when an answer was lost on its way
   *  and this client has submitted it itself. */
  submitKeyed(spec: JobSpec, key: string | null = null): Promise<Submitted> {
    return this.#submit("/v1/jobs", spec, key);
  }

  /** The same before its input files are there, which the caller sends then: tasks begin as these
   *  arrive. Throws `not-found` where the coordinator wants them first. */
  submitEarly(spec: JobSpec): Promise<Submitted> {
    return this.#submit("/v1/jobs?arriving=1", spec, null);
  }

  #submit(path: string, spec: JobSpec, key: string | null): Promise<Submitted> {
    return submitting({ key: key ?? freshKey(), spec }, (json) => {
      return this.#transport.json<Submitted>({ method: "POST", path, json });
    });
  }

  /** The same for a list of tasks whose results are waited for: when it ends soon, they come with
   *  the answer to this call. They must be read: until then they have the connection. */
  submitForResults(spec: JobSpec, key: string | null = null): Promise<JobWithResults> {
    return submitting({ key: key ?? freshKey(), spec }, async (json) => {
      const path = `/v1/jobs?resultsMs=${resultsWaitMs}`;
      const idleMs = resultsWaitMs + 10_000;
      const lines = this.#transport.lines<unknown>({ method: "POST", path, json, idleMs });
      const { job } = (await lines.next()).value as Submitted;
      return { job, results: firstOrElse(lines, () => this.awaitResults(job)) };
    });
  }

  /** Newest first. */
  async jobs(): Promise<readonly JobSummary[]> {
    return (await this.jobList()).jobs;
  }

  async runningJobs(): Promise<readonly JobSummary[]> {
    const call = { method: "GET", path: "/v1/jobs?state=running" } as const;
    return (await this.#transport.json<Pick<JobList, "jobs">>(call)).jobs;
  }

  /** The same, with those that are kept no longer, summed up; a coordinator of an older version
   *  says nothing of them. */
  async jobList(): Promise<JobList> {
    const call = { method: "GET", path: "/v1/jobs" } as const;
    const { jobs, removed = [] } = await this.#transport.json<Partial<JobList>>(call);
    return { jobs: jobs ?? [], removed };
  }

  job(job: string): Promise<JobSummary> {
    return this.#transport.json({ method: "GET", path: jobPath(job) });
  }

  /** One summary at once, then on every change, the last when the job has ended. A coordinator that
   *  restarts is waited for. */
  watch(job: string, options: FollowOptions = {}): AsyncGenerator<JobSummary, void> {
    const read = () => this.#follow<JobSummary>(`${jobPath(job)}/watch`, options.signal);
    return patiently(read, options, ({ state }) => state !== "running");
  }

  cancel(job: string): Promise<JobSummary> {
    return this.#transport.json({ method: "POST", path: `${jobPath(job)}/cancel`, json: {} });
  }

  /** Computes the doubtful tasks of a job as a new one; `conflict` when there are none. */
  recheck = (job: string): Promise<Submitted> =>
    this.#transport.json({ method: "POST", path: `${jobPath(job)}/recheck`, json: {} });

  /** Removes an ended job, and what it alone needs; older coordinators do not say how much. */
  remove(job: string): Promise<Partial<Removed>> {
    return this.#transport.json({ method: "DELETE", path: jobPath(job) });
  }

  /** The whole result is here: the coordinator need not keep it for this client. A hint, which may
   *  fail without harm. */
  async fetched(job: string): Promise<void> {
    const call = { method: "POST", path: `${jobPath(job)}/fetched`, json: {} } as const;
    await this.#transport.json(call).catch(() => {});
  }

  output(job: string): Promise<Output> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/output` });
  }

  /** Results of a list of tasks, in order, once the job is done; of tasks that failed while it kept
   *  going there is none. Goes on where it was when the line is cut. */
  async *results(job: string): AsyncGenerator<unknown, void> {
    for await (const text of this.resultTexts(job)) yield JSON.parse(text);
  }

  /** The same as JSON texts. */
  resultTexts(job: string, options: TransferOptions = {}): AsyncGenerator<string, void> {
    return readLines(this.#transport, `${jobPath(job)}/results`, options);
  }

  /** Tasks of a list that failed while the job kept going, in order, once the job is done. */
  failedTasks(job: string): AsyncGenerator<FailedTask, void> {
    return this.#transport.lines({ method: "GET", path: `${jobPath(job)}/results?failed=1` });
  }

  /** The same of a job that may still run: waits for its end as `watch` does. */
  async *awaitResults(job: string, options: FollowOptions = {}): AsyncGenerator<unknown, void> {
    const { signal } = options;
    let begun = false;
    try {
      const path = `${jobPath(job)}/results?waitMs=${resultsWaitMs}`;
      for await (const result of this.#follow(path, signal)) {
        begun = true;
        yield result;
      }
      return;
    } catch (error) {
      const code = error instanceof ClusterError ? error.code : "";
      if (begun || (code !== "conflict" && code !== "unavailable")) throw error;
    }
    // It takes longer, or the coordinator is away; then a summary now and then costs nothing.
    for await (const summary of this.watch(job, options)) if (summary.state !== "running") break;
    yield* this.#follow(`${jobPath(job)}/results`, signal);
  }

  /** Results of a list of tasks with their indexes, as they are committed, in any order and each
   *  once; ends when the job has ended, however it did. A coordinator that restarts is waited for,
   *  as by `watch`; one of an older version gives them when the job is done. */
  async *committedResults(
    job: string,
    options: FollowOptions = {},
  ): AsyncGenerator<CommittedResult, void> {
    const path = `${jobPath(job)}/results?follow=1`;
    const given = new Set<number>();
    const read = () => this.#follow<CommittedResult | JobState>(path, options.signal);
    try {
      for await (const line of patiently(read, options, (one) => typeof one === "string")) {
        if (typeof line === "string") return;
        if (given.has(line[0])) continue;
        given.add(line[0]);
        yield line;
      }
    } catch (error) {
      const isOlder = error instanceof ClusterError && error.code === "conflict";
      if (!isOlder || given.size > 0) throw error;
      let index = 0;
      for await (const result of this.awaitResults(job, options)) yield [index++, result];
    }
  }

  logs(
    job: string,
    options: { readonly follow?: boolean; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<LogLine, void> {
    const query = options.follow === true ? "?follow=1" : "";
    return this.#follow(`${jobPath(job)}/logs${query}`, options.signal);
  }

  /** Those that ended since `after`, and those that run; see wire/api/attempts.ts. */
  attempts(job: string, after: number): Promise<Attempts> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/attempts?after=${after}` });
  }

  /** Why the job, or one of its tasks, is not done yet. */
  why(job: string, of: TaskPlace | null = null): Promise<Why> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/why${queryOf(of)}` });
  }

  /** The job as it was submitted. */
  spec(job: string): Promise<JobSpec> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/spec` });
  }

  /** The newest moves of the job's attempts, or of those of one task, each with its cause. */
  history(job: string, of: TaskPlace | null = null): Promise<TaskHistory> {
    return this.#transport.json({ method: "GET", path: `${jobPath(job)}/history${queryOf(of)}` });
  }

  whyWorker(worker: string): Promise<Why> {
    const path = `/v1/workers/${encodeURIComponent(worker)}/why`;
    return this.#transport.json({ method: "GET", path });
  }

  async workers(): Promise<readonly WorkerSummary[]> {
    const call = { method: "GET", path: "/v1/workers" } as const;
    return (await this.#transport.json<{ workers: WorkerSummary[] }>(call)).workers;
  }

  /** The text of Prometheus, as `GET /metrics` has it. */
  metrics(): Promise<string> {
    return this.#transport.text({ method: "GET", path: "/metrics" });
  }

  /** Who shares files; `atMs` is the coordinator's clock. */
  members(): Promise<{ readonly atMs: number; readonly members: readonly MemberSummary[] }> {
    return this.#transport.json({ method: "GET", path: "/v1/members" });
  }

  async removeMember(name: string): Promise<void> {
    const path = `/v1/members/${encodeURIComponent(name)}`;
    await this.#transport.json({ method: "DELETE", path });
  }

  async tokens(): Promise<readonly TokenView[]> {
    const call = { method: "GET", path: "/v1/tokens" } as const;
    return (await this.#transport.json<{ tokens: TokenView[] }>(call)).tokens;
  }

  /** The only time that the token itself is shown. */
  createToken(json: TokenRequest): Promise<TokenAnswer> {
    return this.#transport.json({ method: "POST", path: "/v1/tokens", json });
  }

  /** `members`: with the workers and tabs that it let in, which have credentials of their own. */
  revokeToken(id: string, members = false): Promise<TokenRevoked> {
    const path = `/v1/tokens/${encodeURIComponent(id)}${members ? "?members=1" : ""}`;
    return this.#transport.json({ method: "DELETE", path });
  }

  /** Stops the coordinator; its jobs go on when it is started again. `handOver`: only when another
   *  one stands by, which goes on with them at once and is called from now on; else `conflict`. */
  async shutdown(handOver = false): Promise<Stopped> {
    const json = handOver ? { handOver } : {};
    const call = { method: "POST", path: "/v1/shutdown", json } as const;
    const stopped = await this.#transport.json<Stopped>(call);
    this.#transport.learn(stopped.coordinators);
    return stopped;
  }

  /** Closes kept connections. The client opens new ones when it is used again. */
  close(): void {
    this.#transport.close();
  }

  #follow<T>(path: string, signal: AbortSignal | undefined): AsyncGenerator<T, void> {
    const call = { method: "GET", path } as const;
    return this.#transport.lines(signal === undefined ? call : { ...call, signal });
  }
}

type TaskPlace = { readonly stage: number; readonly task: number };

function queryOf(of: TaskPlace | null): string {
  return of === null ? "" : `?stage=${of.stage}&task=${of.task}`;
}
