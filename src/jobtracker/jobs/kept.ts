/** The jobs that a tracker has taken, on the disk: a job that was answered with OK goes on after a
 *  restart, and its end is reported to its client. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { makeDirectory, syncDirectoryNow } from "../../store/directory.ts";
import { storageFailure, systemCode } from "../../store/failure.ts";
import type { JobRequest } from "../../wire/filesystem/jobs.ts";

export type KeptJob = {
  readonly request: JobRequest;
  /** Of the job's file system. */
  readonly filesystem: Listen;
  /** Where its pings are answered. */
  readonly ping: Listen;
  /** Clients that wait for its end; the first one is where relocated clients are sent. */
  readonly clients: readonly Listen[];
  /** Of clients that have asked for it since, and are not known to mean the same. */
  readonly joining: readonly JobRequest[];
  /** Of this computation: the idempotency key is made of it. */
  readonly run: string;
  /** Its tasks are given to existing workers, too. */
  readonly isSpread: boolean;
  /** How many map tasks the slices make; null = not cut yet. */
  readonly mapTasks: number | null;
  /** Of its functions and data: SHA-256; null = not all of them were read yet. */
  readonly content: string | null;
  /** Once it is submitted. */
  readonly submitted: SubmittedJob | null;
  /** Once it has ended: what is to be reported to its clients. */
  readonly end: JobEnd | null;
};

/** `type_error` as existing programs know it. */
export type JobEnd =
  | { readonly resultUrl: string }
  | { readonly info: string; readonly type_error: string };

export type SubmittedJob = {
  /** Id at the cluster. */
  readonly job: string;
  /** How many blocks the second half has. */
  readonly reducers: number;
};

/** What a result was computed of, so that other data under the same id is computed anew. */
export type KeptResult = { readonly content: string; readonly resultUrl: string };

/** Absent in files of earlier versions. */
type Later = "content" | "joining";
type StoredJob = Omit<KeptJob, Later> & Partial<Pick<KeptJob, Later>>;

type Content = {
  readonly version: 1;
  readonly jobs: { readonly [jobId: string]: StoredJob };
  readonly results: { readonly [jobId: string]: KeptResult };
};

/** Results remembered; the oldest are forgotten, and then taken for current. */
const resultsMax = 1_000;

export class KeptJobs {
  readonly #path: string;
  readonly #jobs: Map<string, KeptJob>;
  readonly #results: Map<string, KeptResult>;
  readonly #changes = new Map<string, PromiseWithResolvers<void>>();

  /** Throws `storage-failed` when what is kept cannot be read. */
  constructor(dir: string) {
    makeDirectory(dir);
    this.#path = join(dir, "jobtracker.json");
    const { jobs, results } = read(this.#path);
    this.#jobs = new Map(
      Object.entries(jobs).map(([id, job]) => [id, { joining: [], content: null, ...job }]),
    );
    this.#results = new Map(Object.entries(results));
  }

  all(): readonly KeptJob[] {
    return [...this.#jobs.values()];
  }

  find(jobId: string): KeptJob | null {
    return this.#jobs.get(jobId) ?? null;
  }

  /** Durable when it returns, as all changes are. */
  put(job: KeptJob): KeptJob {
    this.#jobs.set(job.request.jobId, job);
    this.#save();
    this.#tell(job.request.jobId);
    return job;
  }

  /** The job with these fields; null when it is no longer kept. */
  change(jobId: string, fields: Partial<KeptJob>): KeptJob | null {
    const job = this.#jobs.get(jobId);
    return job === undefined ? null : this.put({ ...job, ...fields });
  }

  remove(jobId: string): void {
    if (this.#jobs.delete(jobId)) this.#save();
    this.#tell(jobId);
  }

  /** Resolves when the job changes next, when it is removed, or at the signal. */
  async changed(jobId: string, signal: AbortSignal): Promise<void> {
    const change = this.#changes.get(jobId) ?? Promise.withResolvers<void>();
    this.#changes.set(jobId, change);
    const stop = () => change.resolve();
    signal.addEventListener("abort", stop);
    await change.promise;
    signal.removeEventListener("abort", stop);
  }

  #tell(jobId: string): void {
    this.#changes.get(jobId)?.resolve();
    this.#changes.delete(jobId);
  }

  result(jobId: string): KeptResult | null {
    return this.#results.get(jobId) ?? null;
  }

  keepResult(jobId: string, result: KeptResult): void {
    this.#results.delete(jobId);
    this.#results.set(jobId, result);
    for (const oldest of this.#results.keys()) {
      if (this.#results.size <= resultsMax) break;
      this.#results.delete(oldest);
    }
    this.#save();
  }

  #save(): void {
    const content: Content = {
      version: 1,
      jobs: Object.fromEntries(this.#jobs),
      results: Object.fromEntries(this.#results),
    };
    write(this.#path, JSON.stringify(content));
  }
}

function read(path: string): Content {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return { version: 1, jobs: {}, results: {} };
    throw storageFailure(error, path);
  }
  try {
    const content = JSON.parse(text) as Content;
    if (content.version === 1) return content;
  } catch {
    // Reported below.
  }
  const problem = `${path} is damaged, or of a newer version: jobs of its clients are in it`;
  throw new ClusterError("storage-failed", `${problem}; move it away to start without them`);
}

function write(path: string, text: string): void {
  const part = `${path}.part`;
  try {
    const file = openSync(part, "w", 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
    syncDirectoryNow(dirname(path));
  } catch (error) {
    throw storageFailure(error, path);
  }
}
