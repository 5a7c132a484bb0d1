/** What a web page does with a cluster, and how it finds it: by address and token. */
import { Client } from "../../sdk/client.ts";
import type { JobOf, Params, TaskContext } from "../../sdk/job.ts";
import { unpackStart } from "../../sdk/page/unpack-start.ts";
import { planFound } from "../../sdk/plan/of-found.ts";
import {
  type AnyItems,
  Connection,
  type JobOptions,
  type MapOptions,
  type Mapped,
} from "../connection.ts";
import type { RunningJob } from "../running-job.ts";
import { findGiven, type Inputs } from "./inputs.ts";
import { builtCalls, builtFrom } from "./ship.ts";

export type ConnectOptions = {
  /** Of the coordinator, `https://host:port`: its owner allows the page by `--allow-origin`, and
   *  its certificate is one that browsers trust. Of several of one cluster, with commas between
   *  them: calls go to the one that leads. */
  readonly url: string;
  /** Of a submitter: every visitor of a page can read what the page holds. */
  readonly token: string;
  /** How long the coordinator may take to begin an answer, ms; default 30,000. */
  readonly answerMs?: number;
};

export type RunOptions<P> = JobOptions<P> & { readonly inputs?: Inputs };

/** Throws `unavailable` when nothing answers or the page is not allowed, which look alike from
 *  here, `unauthenticated` for a wrong token. */
export async function connect(options: ConnectOptions): Promise<Cluster> {
  const client = new Client(options);
  await client.health();
  await client.me();
  return new Cluster(client, async () => client.close());
}

/** A coordinator that has answered. */
export class Cluster extends Connection {
  /** Submits a job: one that the page has made, or the address of a module that is bundled whole
   *  and exports it by default. Functions of a job that the page has made travel as their text,
   *  with nothing of what is around them. What goes wrong is thrown where the job is awaited. */
  run<Row, P extends Params>(
    job: JobOf<Row, P> | string | URL,
    options: RunOptions<P> = {},
  ): RunningJob<Row> {
    return this.started<Row>(this.#submit(job as JobOf<unknown, Params>, options), options);
  }

  /** Calls a function for each item, on any worker, in any order. Items and results are JSON;
   *  `undefined` comes back as null. The function travels as its text: what it needs is in its item
   *  and in `params`. What it throws ends the rest, as `CallFailed`. */
  map<I, R, P extends Params = Params>(
    items: AnyItems<I>,
    call: (item: I, context: TaskContext<P>) => R | Promise<R>,
    options: MapOptions<P> = {},
  ): Mapped<R> {
    const { name = call.name || "map", params = {}, timeoutMs } = options;
    const settings = { params, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const build = async () => builtCalls(call, settings);
    return this.mapped(items, build, { ...options, name }) as Mapped<R>;
  }

  async #submit(
    given: JobOf<unknown, Params> | string | URL,
    options: RunOptions<Params>,
  ): Promise<string> {
    const { inputs, params = {}, reducers, signal, splitBytes } = options;
    signal?.throwIfAborted();
    const built = await builtFrom(given, signal);
    const { file, job } = built;
    const plan = async () => {
      const asked = (name: string) => this.client.sharedInputs(name);
      const files = await findGiven(job, inputs, { asked, signal });
      const planned = await planFound(job, files, {
        ...{ params, host: "", unpackStart },
        ...(reducers === undefined ? {} : { reducers }),
        ...(splitBytes === undefined ? {} : { splitBytes }),
      });
      return { ...planned, async remove() {} };
    };
    const name = options.name ?? job.options.name ?? file;
    return this.submit(built, plan, { ...options, name });
  }
}
