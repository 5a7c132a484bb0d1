/** Operators as map/reduce jobs whose functions are ours, and the kernels that some bring for a
 *  task: see `sdk/operators/source.ts`, the contract. */
import { ClusterError } from "../../core/error.ts";
import type { ApplySpec, FormatSpec, OperatorSpec } from "../../wire/block/plan.ts";
import type { Part } from "../kernels/output.ts";
import type { MapReduceJob } from "../task/job.ts";
import type { MapDone, MapTask } from "../task/map-task.ts";
import type { ReduceTask } from "../task/reduce-task.ts";
import { countJob } from "./count.ts";
import { joinKernel } from "./join.ts";
import { reduceLast } from "./last.ts";
import { numbersJob } from "./numbers.ts";
import { sortKernel } from "./sort.ts";

export type OperatorKernel = {
  /** Does all that the operator does, in plain functions: whatever has no kernel runs as any
   *  other job. */
  readonly job: MapReduceJob;
  /** Runs a map task instead, and leaves what `runMap` with `job` would. Null answered = not this
   *  one. */
  readonly map?: (task: MapTask) => MapDone | null;
  /** As `map`, of a reduce task. */
  readonly reduce?: (task: ReduceTask) => Part | null;
};

/** What an operator does with the pairs of its inputs. */
type Kernels = {
  readonly [O in ApplySpec["operator"]]: (
    operator: OperatorSpec,
    apply: Extract<ApplySpec, { operator: O }>,
  ) => OperatorKernel;
};

const kernels: Kernels = {
  count: countJob,
  sum: numbersJob,
  min: numbersJob,
  max: numbersJob,
  sort: sortKernel,
  join: joinKernel,
};

export function operatorKernel(operator: OperatorSpec): OperatorKernel {
  const { apply, last } = operator;
  const make = kernels[apply.operator] as
    | ((operator: OperatorSpec, apply: ApplySpec) => OperatorKernel)
    | undefined;
  if (make !== undefined) {
    const kernel = make(operator, apply);
    return last === null ? kernel : { ...kernel, reduce: (task) => reduceLast(task, last) };
  }
  throw new ClusterError(
    "version-mismatch",
    `this worker does not know the operator ${JSON.stringify(apply.operator)}: update it`,
  );
}

type Mapper = (record: never, emit: never) => unknown;

/** A job that maps each input of the operator as `mapOf` says. */
export function jobOf(
  { inputs, output, badRecords }: OperatorSpec,
  mapOf: (input: FormatSpec, name: string) => Mapper,
  options: Pick<MapReduceJob["options"], "combine" | "reduce" | "partition" | "sort"> = {},
): MapReduceJob {
  const entries = Object.entries(inputs).map(
    ([name, input]) => [name, { input, map: mapOf(input, name) }] as const,
  );
  return {
    kind: "map-reduce",
    inputs: Object.fromEntries(entries),
    options: { output, badRecords, ...options },
  };
}
