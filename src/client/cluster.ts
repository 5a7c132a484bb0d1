/** What a program does with a cluster. */
import { fileURLToPath } from "node:url";
import { ClusterError } from "../core/error.ts";
import type { Priority } from "../core/job.ts";
import type { JobSummary, WorkerSummary } from "../core/summary.ts";
import { hostId } from "../link/host.ts";
import type { BuiltJob } from "../sdk/bundle.ts";
import type { Client } from "../sdk/client.ts";
import type { JobOf, Params, TaskContext } from "../sdk/job.ts";
import { nameOf } from "../sdk/plan/name.ts";
import type { PlanOptions } from "../sdk/plan.ts";
import type { UploadProgress } from "../sdk/submit.ts";
import { checkLimits } from "./mapping/batch.ts";
import { mapped } from "./mapping/mapping.ts";
import { RunningJob } from "./running-job.ts";

/** Of a job with one input: files, folders, globs, `shared:NAME`, `-` for `stdin`. Of a job with
 *  several: the same by the input's name. */
export type Inputs =
  | string
  | readonly string[]
  | { readonly [input: string]: string | readonly string[] };

export type RunOptions<P> = {
  readonly inputs?: Inputs;
  /** What the input `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>;
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

/** A coordinator that has answered. `close()` or `await using` ends its connections; jobs go on,
 *  except those of an embedded cluster, which ends. */
export class Cluster implements AsyncDisposable {
  readonly #client: Client;
  readonly #close: () => Promise<void>;

  constructor(client: Client, close: () => Promise<void>) {
    this.#client = client;
    this.#close = close;
  }

  get url(): string {
    return this.#client.url;
  }

  /** Submits a job file, or a job that was made in this program. What goes wrong is thrown where
   *  the job is awaited: `build-failed` for code that cannot travel, `bad-request` for inputs. */
  run<Row, P extends Params>(
    job: JobOf<Row, P> | string | URL,
    options: RunOptions<P> = {},
  ): RunningJob<Row> {
    const id = this.#submit(job as JobOf<unknown, Params>, options);
    const { signal } = options;
    const running = new RunningJob<Row>(this.#client, id, signal);
    const cancel = () => void running.cancel().catch(() => {});
    signal?.addEventListener("abort", cancel, { once: true });
    return running;
  }

  /** Calls a function for each item, on any worker, in any order. Items and results are JSON;
   *  `undefined` comes back as null. What the function throws ends the rest, as `CallFailed`. */
  map<I, R, P extends Params = Params>(
    items: AnyItems<I>,
    call: (item: I, context: TaskContext<P>) => R | Promise<R>,
    options: MapOptions<P> = {},
  ): Mapped<R> {
    const { name = call.name || "map", params = {}, timeoutMs } = options;
    const build = async () => {
      const { shipCalls } = await import("../sdk/ship/ship.ts");
      return shipCalls(call, { params, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    };
    return this.#mapped(items, build, { ...options, name }) as Mapped<R>;
  }

  /** The same of a function that a file exports by default. */
  mapFile(
    items: AnyItems<unknown>,
    file: string,
    options: MapOptions<Params> = {},
  ): Mapped<unknown> {
    const { params = {}, timeoutMs } = options;
    const build = async () => {
      const { shipFile } = await import("../sdk/ship/ship.ts");
      return shipFile(file, { params, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    };
    return this.#mapped(items, build, { name: file.replace(/^.*[\\/]/, ""), ...options });
  }

  /** A job that was submitted before, by its id. */
  job(id: string): RunningJob {
    return new RunningJob(this.#client, Promise.resolve(id));
  }

  /** Newest first: those that the token may see. */
  jobs(): Promise<readonly JobSummary[]> {
    return this.#client.jobs();
  }

  workers(): Promise<readonly WorkerSummary[]> {
    return this.#client.workers();
  }

  close(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #mapped(
    items: AnyItems<unknown>,
    build: () => Promise<BuiltJob>,
    options: MapOptions<Params> & { readonly name: string },
  ): Mapped<unknown> {
    const { chunk = 1, name, ordered = true, signal, window = 10_000 } = options;
    const limits = checkLimits({ chunk, window });
    const client = this.#client;
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

  async #submit(
    job: JobOf<unknown, Params> | string | URL,
    options: RunOptions<Params>,
  ): Promise<string> {
    const { signal } = options;
    signal?.throwIfAborted();
    const [{ planJob }, { submitJob }, built] = await Promise.all([
      import("../sdk/plan.ts"),
      import("../sdk/submit.ts"),
      builtOf(job),
    ]);
    if (options.keepGoing === true && built.job.kind !== "tasks") {
      throw new ClusterError("bad-request", "keepGoing is for lists of tasks; leave it out");
    }
    const planned = await planJob(built.job, this.#planOptions(options));
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
      return await submitJob(this.#client, built, planned, { name, key, upload, ...shares });
    } finally {
      await planned.remove();
    }
  }

  #planOptions({ inputs, params, reducers, splitBytes, stdin }: RunOptions<Params>): PlanOptions {
    return {
      inputs: inputList(inputs),
      params: params ?? {},
      host: hostId(),
      shared: (name) => this.#client.sharedInputs(name),
      ...(stdin === undefined ? {} : { stdin }),
      ...(reducers === undefined ? {} : { reducers }),
      ...(splitBytes === undefined ? {} : { splitBytes }),
    };
  }
}

async function builtOf(job: JobOf<unknown, Params> | string | URL): Promise<BuiltJob> {
  if (typeof job !== "string" && !(job instanceof URL)) {
    const { shipJob } = await import("../sdk/ship/ship.ts");
    return shipJob(job);
  }
  const file = typeof job === "string" ? job : fileURLToPath(job);
  if (file.endsWith(".wasm")) {
    const text = `${file} needs items: export moduleTasks({ module, items }) from a job file`;
    throw new ClusterError("bad-request", text);
  }
  const { bundleJob } = await import("../sdk/bundle.ts");
  return bundleJob(file);
}

function inputList(inputs: Inputs = []): string[] {
  if (typeof inputs === "string") return [inputs];
  if (Array.isArray(inputs)) return [...inputs];
  return Object.entries(inputs).flatMap(([name, given]) =>
    [given].flat().map((path) => `${name}=${path}`),
  );
}
