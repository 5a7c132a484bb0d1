/** What an operator is to the task that runs it, and the plain job that stands for it. */
import type { FormatSpec, LastSpec, OperatorSpec } from "../../wire/block/plan.ts";
import type { Part } from "../kernels/output.ts";
import type { MapReduceJob } from "../task/job.ts";
import type { MapDone, MapTask } from "../task/map-task.ts";
import type { ReduceTask } from "../task/reduce-task.ts";

export type OperatorKernel = {
  /** Does all that the operator does, in plain functions: whatever has no kernel runs as any other
   *  job. */
  readonly job: MapReduceJob;
  /** Runs a map task instead, and leaves what `runMap` with `job` would. Null answered = not this
   *  one. */
  readonly map?: (task: MapTask) => MapDone | null;
  /** As `map`, of a reduce task. */
  readonly reduce?: (task: ReduceTask) => Part | null;
  /** As `reduce`, with what follows the operator. */
  readonly reduceLast?: (task: ReduceTask, last: LastSpec) => Part | null;
};

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
