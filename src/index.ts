/** The public API of job authors; nothing else is public. */
export {
  bytes,
  type CsvOptions,
  csv,
  type Format,
  ndjson,
  text,
  type WordOptions,
} from "./sdk/format.ts";
export {
  type Emit,
  type Job,
  type JobOf,
  type JoinOptions,
  type Key,
  type MapContext,
  type MapReduceOptions,
  mapReduce,
  type Params,
  type ReduceContext,
  type TaskContext,
  type TasksOptions,
  tasks,
  type Value,
} from "./sdk/job.ts";
export type { JoinKind, JoinOn, JoinSettings } from "./sdk/operators/join.ts";
export type { OperatorOptions } from "./sdk/operators/options.ts";
export {
  type Aggregate,
  approxCountDistinct,
  approxQuantile,
  avg,
  count,
  countDistinct,
  countValues,
  max,
  min,
  quantile,
  sum,
} from "./sdk/operators/query/aggregates.ts";
export type { Cell, Cells, Operand } from "./sdk/operators/query/cell.ts";
export type { Selection, SortBy, Table, TableGroups } from "./sdk/operators/query/table.ts";
export type { DistinctOptions, Records, SortOptions, TopOptions } from "./sdk/operators/sort.ts";
export type { Groups, Pairs, Source } from "./sdk/operators/source.ts";
export { log } from "./sdk/runtime.ts";
export { type ModuleOptions, type ModuleResult, moduleTasks } from "./sdk/wasm.ts";
