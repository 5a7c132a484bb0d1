/** What a program does with a coordinator that has answered, wherever the program runs. */
import { ClusterError } from "../core/error.ts";
import type { Priority } from "../core/job.ts";
import type { JobSummary, WorkerSummary } from "../core/summary.ts";
import type { BuiltJob } from "../sdk/bundle.ts";
import type { Client } from "../sdk/client.ts";
import type { Params } from "../sdk/job.ts";
import { nameOf } from "../sdk/plan/name.ts";
import type { Planned } from "../sdk/plan.ts";
import type { UploadProgress } from "../sdk/submit.ts";
import { checkLimits } from "./mapping/batch.ts";
import { mapped } from "./mapping/mapping.ts";
import { RunningJob } from "./running-job.ts";

/** What `run` takes wherever the inputs come from. */
export type JobOptions<P> = {
  /** Over the job's own. */
  readonly params?: Partial<P>;
  /** For people; default: the job's own name, or its file's. */
  readonly name?: string;
  /** The same key and job give the same job again, at most 200 characters. */
  readonly key?: string;
  /** 0 to 100,000, over the job's own. */
  readonly reducers?: number;
  /** Input of one map task, bytes; default 64 MiB. */
  readonly splitBytes?: number;
  /** Share against other jobs, 1 to 1,000; default 1. */
  readonly weight?: number;
  /** Beside jobs of the same owner; default "normal". */
  readonly priority?: Priority;
  /** Of a list of tasks: when some fail, after all their attempts, the job is done with the results
   *  of the others; `Result.failedTasks` has the failed. Default false: it fails. */
  readonly keepGoing?: boolean;
  /** Cancels the job; while its input is sent, what has arrived stays at the coordinator for a
   *  day. */
  readonly signal?: AbortSignal;
  /** Called whenever some bytes of the input have arrived at a coordinator on another machine. */
  readonly onUpload?: (progress: UploadProgress) => void;
};

export type MapOptions<P> = {
  /** What the function reads as `context.params`. */
  readonly params?: P;
  /** Results in the order of the items; false: as they come. Default true. */
  readonly ordered?: boolean;
  /** Items of one task, 1 to 1,000,000; default 1. More is faster when a call takes less than about
   *  a millisecond. */
  readonly chunk?: number;
  /** Items of one job, 1 to 1,000,000; default 10,000. Twice as many are under way at most. */
  readonly window?: number;
  /** For people; default: that of the function. */
  readonly name?: string;
  /** Limit of one task, ms; default 0 = none. */
  readonly timeoutMs?: number;
  /** Cancels what is under way; the reason is thrown. */
  readonly signal?: AbortSignal;
};

/** Results of `map`, to be iterated over once. */
export type Mapped<R> = AsyncGenerator<R, void> & {
  /** All of them, which must fit into memory. */
  toArray(): Promise<R[]>;
};

export type AnyItems<I> = Iterable<I> | AsyncIterable<I>;

export class Connection implements AsyncDisposable {
  protected readonly client: Client;
  readonly #close: () => Promise<void>;

  constructor(client: Client, close: () => Promise<void>) {
    this.client = client;
    this.#close = close;
  }

  get url(): string {
    return this.client.url;
  }

  /** A job that was submitted before, by its id. */
  job(id: string): RunningJob {
    return new RunningJob(this.client, Promise.resolve(id));
  }

  /** Newest first: those that the token may see. */
  jobs(): Promise<readonly JobSummary[]> {
    return this.client.jobs();
  }

  workers(): Promise<readonly WorkerSummary[]> {
    return this.client.workers();
  }

  close(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** `id`: of a job that is being submitted. */
  protected started<Row>(id: Promise<string>, { signal }: JobOptions<Params>): RunningJob<Row> {
    const running = new RunningJob<Row>(this.client, id, signal);
    const cancel = () => void running.cancel().catch(() => {});
    signal?.addEventListener("abort", cancel, { once: true });
    return running;
  }

  protected async submit(
    built: BuiltJob,
    plan: () => Promise<Planned>,
    options: JobOptions<Params>,
  ): Promise<string> {
    const { signal } = options;
    if (options.keepGoing === true && built.job.kind !== "tasks") {
      throw new ClusterError("bad-request", "keepGoing is for lists of tasks; leave it out");
    }
    const [{ submitJob }, planned] = await Promise.all([import("../sdk/submit.ts"), plan()]);
    try {
      signal?.throwIfAborted();
      const { keepGoing, key = null, name = nameOf(built), onUpload, priority, weight } = options;
      const upload = {
        ...(signal === undefined ? {} : { signal }),
        ...(onUpload === undefined ? {} : { onProgress: onUpload }),
      };
      const shares = {
        ...(weight === undefined ? {} : { weight }),
        ...(priority === undefined ? {} : { priority }),
        ...(keepGoing === undefined ? {} : { keepGoing }),
      };
      return await submitJob(this.client, built, planned, { name, key, upload, ...shares });
    } finally {
      await planned.remove();
    }
  }

  protected mapped(
    items: AnyItems<unknown>,
    build: () => Promise<BuiltJob>,
    options: MapOptions<Params> & { readonly name: string },
  ): Mapped<unknown> {
    const { chunk = 1, name, ordered = true, signal, window = 10_000 } = options;
    const limits = checkLimits({ chunk, window });
    const { client } = this;
    const results = async function* () {
      const built = await build();
      const wanted = signal === undefined ? {} : { signal };
      yield* mapped(
        { ...limits, ...wanted, client, built, name: name.slice(0, 200), ordered },
        items,
      );
    };
    const generator = results();
    const toArray = async () => {
      const all: unknown[] = [];
      for await (const result of generator) all.push(result);
      return all;
    };
    return Object.assign(generator, { toArray });
  }
}
