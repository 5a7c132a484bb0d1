/** What a program does with a cluster. */
import { fileURLToPath } from "node:url";
import { ClusterError } from "../core/error.ts";
import { hostId } from "../link/host.ts";
import type { BuiltJob } from "../sdk/bundle.ts";
import type { JobOf, Params, TaskContext } from "../sdk/job.ts";
import type { PlanOptions } from "../sdk/plan.ts";
import {
  type AnyItems,
  Connection,
  type JobOptions,
  type MapOptions,
  type Mapped,
} from "./connection.ts";
import type { RunningJob } from "./running-job.ts";

/** Of a job with one input: files, folders, globs, `shared:NAME`, `-` for `stdin`. Of a job with
 *  several: the same by the input's name. */
export type Inputs =
  | string
  | readonly string[]
  | { readonly [input: string]: string | readonly string[] };

export type RunOptions<P> = JobOptions<P> & {
  readonly inputs?: Inputs;
  /** What the input `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array>;
};

/** A coordinator that has answered. `close()` or `await using` ends its connections; jobs go on,
 *  except those of an embedded cluster, which ends. */
export class Cluster extends Connection {
  /** Submits a job file, or a job that was made in this program. What goes wrong is thrown where
   *  the job is awaited: `build-failed` for code that cannot travel, `bad-request` for inputs. */
  run<Row, P extends Params>(
    job: JobOf<Row, P> | string | URL,
    options: RunOptions<P> = {},
  ): RunningJob<Row> {
    return this.started<Row>(this.#submit(job as JobOf<unknown, Params>, options), options);
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
    return this.mapped(items, build, { ...options, name }) as Mapped<R>;
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
    return this.mapped(items, build, { name: file.replace(/^.*[\\/]/, ""), ...options });
  }

  async #submit(
    job: JobOf<unknown, Params> | string | URL,
    options: RunOptions<Params>,
  ): Promise<string> {
    options.signal?.throwIfAborted();
    const [{ planJob }, built] = await Promise.all([import("../sdk/plan.ts"), builtOf(job)]);
    const plan = () => planJob(built.job, this.#planOptions(options));
    return this.submit(built, plan, options);
  }

  #planOptions({ inputs, params, reducers, splitBytes, stdin }: RunOptions<Params>): PlanOptions {
    return {
      inputs: inputList(inputs),
      params: params ?? {},
      host: hostId(),
      shared: (name) => this.client.sharedInputs(name),
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
