/** The reduce task of `count`, `sum`, `min` and `max`, by a kernel that merges sorted runs. What it
 *  leaves is what the operator's job would. */
import { assert } from "../../../core/error.ts";
import { type Key, readKey } from "../../../wire/block/key.ts";
import type { LastSpec } from "../../../wire/block/plan.ts";
import { pairFormat } from "../../../wire/block/row.ts";
import type { RunReader } from "../../../wire/block/run.ts";
import { GroupMerge } from "../../kernels/groups/group-merge.ts";
import { type Part, PartWriter } from "../../kernels/output.ts";
import { SegmentFiles } from "../../kernels/run-file.ts";
import { combineOf } from "../../task/job.ts";
import { mergeBytesOf } from "../../task/memory.ts";
import { type ReduceTask, shownKey } from "../../task/reduce-task.ts";
import { thrownBy } from "../../task/thrown.ts";
import { TopRows } from "../top-rows.ts";
import { type GroupBy, shapeOf } from "./group-by.ts";

/** Runs that are merged at once, and memory for their blocks; more are merged as any job's. */
const runsMax = 256;
const blocksMaxBytes = 64 * 1024 * 1024;

/** `last`: of the groups only these. Null when there are too many runs, or none. */
export function reduceGroups(
  task: ReduceTask,
  groups: GroupBy,
  last: LastSpec | null,
): Part | null {
  const files = new SegmentFiles();
  try {
    const segments = task.segments.filter(({ sizeBytes }) => sizeBytes > 0);
    if (segments.length === 0 || segments.length > runsMax) return null;
    const runs = segments.map((segment) => files.reader(segment));
    const blocksBytes = runs.reduce((sum, run) => sum + run.blockBytes, 0);
    if (blocksBytes > mergeBytesOf(task.memoryBytes, blocksMaxBytes)) return null;
    return merged(task, groups, last, runs);
  } finally {
    files.close();
  }
}

function merged(
  task: ReduceTask,
  groups: GroupBy,
  last: LastSpec | null,
  runs: readonly RunReader[],
): Part {
  const { job, out } = task;
  const format = pairFormat(job.options.output);
  const part = new PartWriter(`${out}.part`, format);
  const top = last === null ? null : new TopRows(part, last);
  const mode = last?.order ?? (format === "ndjson" ? "rows" : "pairs");
  const combine = combineOf(job);
  assert(combine !== null, "groups are combined");
  const merge = new GroupMerge({
    shape: shapeOf(groups),
    runs,
    combine,
    mode,
    target: {
      rows: (bytes, count) => part.rows(bytes, count),
      pair(bytes, value) {
        const key = readKey(bytes, 0, bytes.length);
        const result = resultOf(task, key, value);
        if (top === null) part.row(key, result, "reduce");
        else {
          top.row(key, result);
          if (top.worst !== null) merge.setBound(top.worst);
        }
      },
    },
  });
  try {
    merge.run();
    return top?.finish() ?? part.finish();
  } catch (error) {
    part.discard();
    throw error;
  }
}

type Reduce = (key: Key, values: Iterable<unknown>, context: object) => unknown;

/** What `reduce` makes of the one value of a key. */
function resultOf({ job, params, task }: ReduceTask, key: Key, value: unknown): unknown {
  const reduce = job.options.reduce as unknown as Reduce | undefined;
  if (reduce === undefined) return value;
  try {
    return reduce(key, [value], { params, partition: task });
  } catch (thrown) {
    throw thrownBy("reduce", thrown, `key ${shownKey(key)}`);
  }
}
