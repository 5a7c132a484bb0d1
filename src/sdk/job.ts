/** What a job author writes. The types of `emit` flow from `map` into `combine` and `reduce`. */
import type { JobSpec, OutputFormat, Trust } from "../core/job.ts";
import type { Key } from "../wire/block/key.ts";
import type { BadPolicy, FormatSpec, OperatorSpec } from "../wire/block/plan.ts";
import type { Value } from "../wire/block/value.ts";
import type { PairRow, TableOutput } from "./operators/rows.ts";

/** `In` is the record type that `map` receives. */
export type Format<In> = FormatSpec & { readonly record?: (record: In) => void };

export type { Key, TableOutput, Value };

/** Emits one pair. Objects are copied at once, so they may be reused. */
export type Emit<K extends Key, V> = (key: K, value: V) => void;

export type Params = { readonly [name: string]: Value };

export type MapContext<P extends Params> = {
  /** The job's defaults overlaid with `--param name=value`. */
  readonly params: P;
  /** Name of the file that the record comes from. */
  readonly file: string;
  /** Byte offset where the record starts (in the uncompressed data). */
  readonly offset: number;
};

export type ReduceContext<P extends Params> = {
  /** As of `map`. */
  readonly params: P;
  /** Index of the partition, from 0. */
  readonly partition: number;
};

export type MapFunction<In, K extends Key, V, P extends Params> = (
  record: In,
  emit: Emit<K, V>,
  context: MapContext<P>,
) => void;

export type MapReduceOptions<
  In,
  K extends Key,
  V,
  R,
  P extends Params,
  O extends TableOutput = TableOutput,
> = {
  /** For people; default that of the job file. */
  readonly name?: string;
  /** Defaults of the parameters; `--param` and the submitter override them. */
  readonly params?: P;
  /** How bytes become records. Default `text.lines()`. */
  readonly input?: Format<In>;
  /** Called with each record, and `emit` for the pairs that it makes of it. */
  readonly map: MapFunction<In, K, V, P>;
  /** Folds two values of one key into one; must be associative. Runs where the values are made. */
  readonly combine?: (a: V, b: V) => V;
  /** Called once per key, keys in `sort` order; `undefined` leaves the key out. Without `reduce`:
   *  with `combine` its value, else every pair as it is. `emit` writes further pairs. */
  readonly reduce?: (
    key: K,
    values: Iterable<V>,
    context: ReduceContext<P> & { readonly emit: Emit<Key, unknown> },
  ) => R | undefined;
  /** Which partition (0 … count − 1) a key goes to. Default: hash of the key's bytes. */
  readonly partition?: (key: K, count: number) => number;
  /** Order of keys in each partition. Default "ascending". */
  readonly sort?: "ascending" | "descending";
  /** Number of reduce tasks and so of output files. Default: one per 64 MiB of input, 1 to 256. 0 =
   *  map only: pairs are written as emitted, one file per split. */
  readonly reducers?: number;
  /** Default "ndjson" ({"key":…,"value":…} a line). "text": key TAB value. "csv", "parquet",
   *  "arrow": a table, in which the fields of objects are columns, nested ones dotted. */
  readonly output?: O;
  /** With `output: "ndjson"`: an object of the columns a line instead of key and value. */
  readonly rows?: boolean;
  /** A record that cannot be parsed or for which `map` throws: "fail" the job (default), "keep" it
   *  aside with file, byte offset and error, or at most a share of the lines of the input (0 to 1):
   *  `{ keepUpTo: 0.01 }`. */
  readonly badRecords?: BadPolicy;
  /** Limit of one attempt in ms; default 0 = none. */
  readonly timeoutMs?: number;
  /** User errors per task before the job fails; default 4. */
  readonly attempts?: number;
  /** Second attempts for stragglers; default true. */
  readonly backupTasks?: boolean;
  /** `Math` of job code. "exact" (default): equal bits on every engine. "native": the engine's own,
   *  whose last digits differ between engines. */
  readonly math?: "exact" | "native";
  /** What `Math.random` of job code begins with, besides stage and task; default "". Equal seeds
   *  give equal numbers, on every engine and in every attempt. */
  readonly seed?: number | string;
  /** The time to job code. "frozen" (default): that of the submission, in every attempt. "real":
   *  the time that goes by. */
  readonly clock?: "frozen" | "real";
  /** "real": `crypto` draws its numbers though volunteers compute the job; they must not reach its
   *  result. */
  readonly chance?: "real";
  /** Volunteers may compute it, and see its code and data. Default: own workers only. */
  readonly share?: "volunteers";
  /** Which results are compared with a second one: "audit" a share of them (default with `share`;
   *  without it at least one task of each stage, on own workers that are idle), "quorum" all of
   *  those of volunteers. */
  readonly trust?: Trust;
};

/** Several inputs with a map function each, as for a join. */
export type ManyInputs<K extends Key, V, P extends Params> = {
  readonly [input: string]: {
    // biome-ignore lint/suspicious/noExplicitAny: each input has its own record type
    readonly input?: Format<any>;
    // biome-ignore lint/suspicious/noExplicitAny: each input has its own record type
    readonly map: MapFunction<any, K, V, P>;
  };
};

export type JoinOptions<
  K extends Key,
  V,
  R,
  P extends Params,
  O extends TableOutput = TableOutput,
> = Omit<MapReduceOptions<never, K, V, R, P, O>, "input" | "map"> & {
  /** Submitted as `name=path`: `tequio run join.ts users=u.csv orders=o.ndjson`. */
  readonly inputs: ManyInputs<K, V, P>;
};

export type TaskContext<P extends Params> = {
  /** The job's defaults overlaid with `--param name=value`. */
  readonly params: P;
  /** Index of the item, from 0. */
  readonly index: number;
};

export type TasksOptions<I, R, P extends Params> = {
  /** For people; default that of the job file. */
  readonly name?: string;
  /** Defaults of the parameters; `--param` and the submitter override them. */
  readonly params?: P;
  /** The list, or a function that makes it from the parameters (called once, where the job is
   *  submitted). */
  readonly items: readonly I[] | ((params: P) => Iterable<I>);
  /** Runs once per item, may be async. The result must be JSON. */
  readonly run: (item: I, context: TaskContext<P>) => R | Promise<R>;
  /** Default "ndjson": the results alone. "csv", "parquet", "arrow": a table of the fields of each
   *  item and of its result. */
  readonly output?: TableOutput;
  /** With `output: "ndjson"`: an object of the fields of item and result a line. */
  readonly rows?: boolean;
  /** Limit of one attempt in ms; default 0 = none. */
  readonly timeoutMs?: number;
  /** User errors per task before the job fails; default 4. */
  readonly attempts?: number;
  /** Second attempts for stragglers; default true. */
  readonly backupTasks?: boolean;
  /** As of `mapReduce`. */
  readonly math?: "exact" | "native";
  /** As of `mapReduce`. */
  readonly seed?: number | string;
  /** As of `mapReduce`. */
  readonly clock?: "frozen" | "real";
  /** As of `mapReduce`. */
  readonly chance?: "real";
  /** As of `mapReduce`. */
  readonly share?: "volunteers";
  /** As of `mapReduce`. */
  readonly trust?: Trust;
};

/** Of a job whose functions are not JavaScript: what is asked of them where it is submitted. Its
 *  `map`, `combine` and `run` are only there to say that there are such. */
export type ForeignJob = {
  /** What a worker's Python must be; what says nothing is left out. */
  readonly program: Pick<JobSpec, "engine" | "pythonVersion" | "requires">;
  /** The list of a `tasks` job with these params: a JSON text a line. */
  readonly items: (params: Params) => Promise<Uint8Array>;
  /** Runs it as the judge does, `runLocal` of `local.ts`. */
  readonly judge: (planned: never, options: never) => Promise<unknown>;
};

/** What a job file exports by default, seen by everything that does not care about its types. */
export type AnyMapReduce = {
  readonly kind: "map-reduce";
  readonly foreign?: ForeignJob;
  // biome-ignore lint/suspicious/noExplicitAny: types are erased here on purpose
  readonly inputs: ManyInputs<any, any, any>;
  // biome-ignore lint/suspicious/noExplicitAny: types are erased here on purpose
  readonly options: Omit<MapReduceOptions<any, any, any, any, any>, "input" | "map">;
};
export type AnyTasks = {
  readonly kind: "tasks";
  readonly foreign?: ForeignJob;
  // biome-ignore lint/suspicious/noExplicitAny: types are erased here on purpose
  readonly options: TasksOptions<any, any, any>;
};
/** Made by the operators of a source, as `text.words().count()`: see `operators/source.ts`. */
export type AnyOperator = {
  readonly kind: "operator";
  readonly foreign?: never;
  readonly operator: OperatorSpec;
  readonly options: {
    readonly name?: string;
    readonly params?: never;
    readonly reducers?: number;
    readonly output?: OutputFormat;
    readonly rows?: boolean;
    readonly badRecords?: BadPolicy;
    readonly timeoutMs?: number;
    readonly attempts?: number;
    readonly backupTasks?: boolean;
    readonly math?: never;
    readonly clock?: never;
    readonly chance?: never;
    readonly share?: "volunteers";
    readonly trust?: Trust;
  };
};
export type Job = AnyMapReduce | AnyTasks | AnyOperator;

/** A job that knows what a row of its result is, `[key, value]` or the result of a task, and what
 *  its parameters are; for the compiler alone. */
export type JobOf<Row, P> = Job & { readonly types?: (row: Row, params: P) => void };

type AnyOptions =
  // biome-ignore lint/suspicious/noExplicitAny: types are erased here on purpose
  MapReduceOptions<any, any, any, any, any> | JoinOptions<any, any, any, any>;

/** One input. Annotate `emit` (`emit: Emit<string, number>`): its types flow into the other
 *  functions. */
export function mapReduce<
  In = string,
  K extends Key = Key,
  V = Value,
  R = V,
  P extends Params = Params,
  O extends TableOutput = TableOutput,
>(options: MapReduceOptions<In, K, V, R, P, O>): JobOf<PairRow<K, R, O>, P>;
/** Several inputs by name, as for a join. */
export function mapReduce<
  K extends Key = Key,
  V = Value,
  R = V,
  P extends Params = Params,
  O extends TableOutput = TableOutput,
>(options: JoinOptions<K, V, R, P, O>): JobOf<PairRow<K, R, O>, P>;
export function mapReduce(options: AnyOptions): Job {
  if ("inputs" in options) {
    const { inputs, ...rest } = options;
    return { kind: "map-reduce", inputs, options: rest };
  }
  const { input, map, ...rest } = options;
  const only = input === undefined ? { map } : { input, map };
  return { kind: "map-reduce", inputs: { default: only }, options: rest };
}

/** A plain list of tasks; the results come back in the order of the items. */
export function tasks<I, R, P extends Params = Params>(
  options: TasksOptions<I, R, P>,
): JobOf<R, P> {
  return { kind: "tasks", options };
}
