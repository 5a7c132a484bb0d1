/** `count`: how many records have the same key. */
import type { Key } from "../../wire/block/key.ts";
import type { ApplySpec, OperatorSpec } from "../../wire/block/plan.ts";
import type { MapReduceJob } from "../task/job.ts";
import { keyReader } from "./columns.ts";
import { mapCountWords, reduceCountWords } from "./count-words.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

export function countJob(
  operator: OperatorSpec,
  { by }: Extract<ApplySpec, { operator: "count" }>,
): OperatorKernel {
  const words = operator.inputs.default;
  if (words?.format === "words" && by.length === 1) {
    const { lowercase } = words;
    return {
      job: countingJob(operator, by),
      map: (task) => mapCountWords(task, lowercase),
      reduce: reduceCountWords,
    };
  }
  const job = countingJob(operator, by);
  if (by.length > 0) return { job };
  return {
    job: { ...job, options: { ...job.options, ofNothing: [[null, 0]] } },
  };
}

function countingJob(operator: OperatorSpec, by: readonly string[]): MapReduceJob {
  const keyOf = keyReader(by);
  const map = (record: string, emit: (key: Key, value: number) => void) => emit(keyOf(record), 1);
  return jobOf(operator, () => map, { combine: (a: number, b: number) => a + b });
}
