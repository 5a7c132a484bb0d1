/** A job as its bundle exports it, seen by those who run it: the shape that the SDK's `mapReduce`
 *  and `tasks` give it. A bundle is a foreign program with its own copy of the SDK, so this is what
 *  is relied on, and nothing else of it. */
import { ClusterError } from "../../core/error.ts";
import type { EnvironmentOptions } from "../../environment/install.ts";
import type { Key } from "../../wire/block/key.ts";
import type { BadPolicy, FormatSpec, Plan } from "../../wire/block/plan.ts";
import type { OutputFormat } from "../../wire/block/row.ts";
import type { Combine } from "../kernels/merge.ts";
import { thrownBy } from "./thrown.ts";

export type { FormatSpec };

export type Params = Readonly<Record<string, unknown>>;
export type Emit = (key: Key, value: unknown) => void;

/** Of both kinds: what the environment of the job is. */
type Environment = Pick<EnvironmentOptions, "clock" | "math" | "seed">;

export type MapReduceJob = {
  readonly kind: "map-reduce";
  readonly inputs: {
    readonly [input: string]: {
      readonly input?: FormatSpec;
      readonly map: (record: never, emit: never, context: never) => unknown;
    };
  };
  readonly options: Environment & {
    readonly params?: Params;
    readonly combine?: (a: never, b: never) => unknown;
    readonly reduce?: (key: never, values: never, context: never) => unknown;
    readonly partition?: (key: never, count: number) => number;
    readonly sort?: "ascending" | "descending";
    readonly output?: OutputFormat;
    /** Of operators: the pairs of a partition to which no record came. */
    readonly ofNothing?: ReadonlyArray<readonly [key: Key, value: unknown]>;
    readonly badRecords?: BadPolicy;
  };
};

export type TasksJob = {
  readonly kind: "tasks";
  readonly options: Environment & {
    readonly params?: Params;
    readonly run: (item: never, context: never) => unknown;
  };
};

export type AnyJob = MapReduceJob | TasksJob;

/** The job that a bundle exports. */
export function jobIn(bundle: { readonly default?: unknown }): AnyJob {
  const job = bundle.default;
  if (isJob(job)) return job;
  throw new ClusterError(
    "bad-request",
    "the job file's default export is no job; write export default mapReduce({…}) " +
      "or export default tasks({…})",
  );
}

function isJob(value: unknown): value is AnyJob {
  if (typeof value !== "object" || value === null) return false;
  const { kind, options } = value as { kind?: unknown; options?: unknown };
  return (kind === "map-reduce" || kind === "tasks") && typeof options === "object";
}

export function checkedPlan(plan: Plan): Plan {
  if (plan.version === 1) return plan;
  throw new ClusterError(
    "version-mismatch",
    `plan of version ${plan.version}; this worker knows version 1: update it`,
  );
}

/** Where `count` and `log` of job code lead. The SDK finds it by this symbol on the global. */
export type JobRuntime = {
  count(counter: string, by: number): void;
  log(line: string): void;
};

export function installRuntime(runtime: JobRuntime): void {
  Object.assign(globalThis, { [Symbol.for("tequio.runtime")]: runtime });
}

type Partition = (key: Key, count: number) => number;

/** What it throws names it, wherever that comes out: it runs inside `map` and `reduce`, and after
 *  them. */
export function combineOf({ options }: MapReduceJob): Combine | null {
  const combine = options.combine as Combine | undefined;
  return combine === undefined ? null : named("combine", combine);
}

/** As `combineOf`. */
export function partitionOf({ options }: MapReduceJob): Partition | null {
  const partition = options.partition as Partition | undefined;
  return partition === undefined ? null : named("partition", partition);
}

function named<A, B, R>(role: string, call: (a: A, b: B) => R): (a: A, b: B) => R {
  return (a, b) => {
    try {
      return call(a, b);
    } catch (thrown) {
      throw thrownBy(role, thrown, "");
    }
  };
}
