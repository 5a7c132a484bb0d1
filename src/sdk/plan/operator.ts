/** What a plan says of an operator, and of any job that reads files: its formats, its
 *  partitions. */
import { ClusterError } from "../../core/error.ts";
import type { InputFile, Plan } from "../../wire/block/plan.ts";
import {
  isShuffle,
  type QuerySpec,
  type ShuffleStep,
  stageShuffles,
} from "../../wire/block/query.ts";
import type { FormatSpec } from "../format.ts";
import type { AnyMapReduce, AnyOperator } from "../job.ts";
import type { Sampled } from "./places.ts";
import { splittersOf } from "./splitters.ts";

/** By the name of the input; undefined = the default. */
export type Formats = { readonly [input: string]: FormatSpec | undefined };

/** Bytes of input for which there is one reduce task, unless the job says how many. */
const bytesPerReducer = 64 * 1024 * 1024;
/** The same for operators that leave a pair for each key: what reaches a reducer is small. */
const bytesPerFold = 256 * 1024 * 1024;

/** The same for sorts, which merge as streams; a small input still gives work to several. */
const bytesPerSort = 128 * 1024 * 1024;
const smallSorts = { bytes: 16 * 1024 * 1024, reducersMax: 4 } as const;

const folding: { readonly [operator: string]: true } = {
  count: true,
  sum: true,
  min: true,
  max: true,
};

export function formatsOf(job: AnyMapReduce | AnyOperator): Formats {
  if (job.kind === "operator") return job.operator.inputs;
  const entries = Object.entries(job.inputs).map(([name, { input }]) => [name, input]);
  return Object.fromEntries(entries);
}

/** Number of reduce tasks. `wished` by the submitter or the job. */
export function reducersOf(
  job: AnyMapReduce | AnyOperator,
  wished: number | undefined,
  inputBytes: number,
): number {
  const folds = job.kind === "operator" && job.operator.apply.operator in folding;
  const perReducer = folds ? bytesPerFold : bytesPerReducer;
  const fitting = isSort(job)
    ? sortReducers(inputBytes)
    : Math.min(256, Math.max(1, Math.ceil(inputBytes / perReducer)));
  if (job.kind !== "operator") return wished ?? fitting;
  const { apply, last } = job.operator;
  if (apply.operator === "query") return firstReducers(apply, wished ?? foldReducers(inputBytes));
  const only = last === null ? apply.operator : "what follows an operator";
  if (wished === 0 || (last !== null && (wished ?? 1) !== 1)) {
    const text = `${only} needs ${last === null ? "at least one reducer" : "one reducer"}`;
    throw new ClusterError("bad-request", `${text}, not ${wished}; leave \`reducers\` out`);
  }
  if (apply.operator === "sort" && apply.limit !== null) return 1;
  // The one row that there is, also of nothing, is in the only part.
  if (apply.operator === "count" && apply.by.length === 0) return 1;
  return last === null ? (wished ?? fitting) : 1;
}

function foldReducers(inputBytes: number): number {
  return Math.min(256, Math.max(1, Math.ceil(inputBytes / bytesPerFold)));
}

/** Of the first shuffle of a query; 0 when it has none. */
function firstReducers(query: QuerySpec, wished: number): number {
  const first = query.steps.find(isShuffle);
  return first === undefined ? 0 : Math.max(1, isSingle(first) ? 1 : wished);
}

/** Order as a whole, and the one row of all rows, need one task. */
function isSingle(step: ShuffleStep): boolean {
  return step.step === "sort" || (step.step === "group" && step.by.length === 0);
}

/** Of each shuffle. What one has folded is no more for the next. */
function queryReducers({ steps }: QuerySpec, first: number): number[] {
  let most = first;
  return steps.filter(isShuffle).map((step) => {
    if (isSingle(step)) most = 1;
    return most;
  });
}

/** Larger inputs are retried in smaller parts. */
const oneTaskMaxBytes = 64 * 1024 * 1024;

/** Whether one task can do all that there is. */
export function inOneTask(
  plan: Pick<Plan, "operator" | "reducers" | "splits">,
  inputBytes: number,
): Pick<Plan, "inOneTask"> {
  const { operator, reducers, splits } = plan;
  const isOne = operator !== undefined && splits.length === 1 && reducers === 1;
  const isAll = isOne && laterReducers(plan).length === 0 && inputBytes <= oneTaskMaxBytes;
  return isAll ? { inOneTask: true } : {};
}

/** Of the stages behind the first reduce stage. */
export function laterReducers({ operator }: Pick<Plan, "operator">): readonly number[] {
  if (operator?.apply.operator !== "query") return [];
  const { apply } = operator;
  return stageShuffles(apply)
    .slice(1)
    .map((shuffle) => apply.reducers[shuffle] as number);
}

function isSort(job: AnyMapReduce | AnyOperator): boolean {
  return job.kind === "operator" && job.operator.apply.operator === "sort";
}

function sortReducers(inputBytes: number): number {
  const few = Math.min(smallSorts.reducersMax, Math.ceil(inputBytes / smallSorts.bytes));
  return Math.min(256, Math.max(1, few, Math.ceil(inputBytes / bytesPerSort)));
}

/** More than this would not be sorted in one go, with the lists that sorting needs. */
export function splitMaxBytes(job: AnyMapReduce | AnyOperator, spillBytes: number): number {
  return isSort(job) ? Math.max(1, spillBytes >> 1) : Number.POSITIVE_INFINITY;
}

/** The operator as workers read it: with what can be known only from the inputs. */
export async function planOperator(
  { operator }: AnyOperator,
  from: Sampled & { readonly reducers: number },
): Promise<Pick<Plan, "operator">> {
  const { apply } = operator;
  if (apply.operator === "query") {
    const reducers = queryReducers(apply, from.reducers);
    return { operator: { ...operator, apply: { ...apply, reducers } } };
  }
  if (apply.operator !== "sort") return { operator };
  const splitters = await splittersOf(operator, apply, from);
  return { operator: { ...operator, apply: { ...apply, splitters } } };
}

/** What a plan adds to a file of records of one size. */
export function recordsIn(
  { name, sizeBytes, compression }: Pick<InputFile, "name" | "sizeBytes" | "compression">,
  format: FormatSpec | undefined,
): Pick<InputFile, "recordBytes"> {
  if (format?.format !== "records") return {};
  const recordBytes = format.sizeBytes;
  if (compression === "none" && sizeBytes % recordBytes !== 0) {
    const text = `${name} has ${sizeBytes} bytes, and records of ${recordBytes} do not fill them`;
    throw new ClusterError("bad-request", `${text}; give the size that its records have`);
  }
  return { recordBytes };
}
