/** What follows an operator that makes pairs: of all of them, which are in one partition, the first
 *  ones. */
import type { LastSpec } from "../../wire/block/plan.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { type ReduceTask, runReduce } from "../task/reduce-task.ts";
import { TopRows } from "./top-rows.ts";

export function reduceLast(task: ReduceTask, last: LastSpec): Part {
  const part = new PartWriter(`${task.out}.part`, task.job.options.output ?? "ndjson");
  return runReduce(task, new TopRows(part, last));
}
