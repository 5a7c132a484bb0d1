/** What follows an operator that makes pairs: of all of them, which are in one partition, the first
 *  ones. */
import type { LastSpec } from "../../wire/block/plan.ts";
import { pairFormat } from "../../wire/block/row.ts";
import { type Part, PartWriter } from "../kernels/output.ts";
import { type ReduceTask, runReduce } from "../task/reduce-task.ts";
import { TopRows } from "./top-rows.ts";

export function reduceLast(task: ReduceTask, last: LastSpec): Part {
  const part = new PartWriter(`${task.out}.part`, pairFormat(task.job.options.output));
  return runReduce(task, new TopRows(part, last));
}
