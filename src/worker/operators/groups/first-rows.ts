/** Map tasks of rows that functions read after a kernel has dropped those that are not wanted: in
 *  `distinct` those whose keys have come before, in a query those for which a test is not true. */
import type { GroupTable } from "../../kernels/groups/group-table.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { inputOf, type MapDone, type MapTask, type Target } from "../../task/map-task.ts";
import { type WantedRows, wantedOf } from "./group-by.ts";
import { tablesMaxBytes } from "./map-groups.ts";
import { OddRows } from "./odd-rows.ts";
import { isGroupFormat, RowScan } from "./row-scan.ts";

/** `frames`: takes those of a program that makes such. */
type RowTarget = Pick<Target, "emit" | "finish"> & {
  readonly frames?: (bytes: Uint8Array) => void;
};

/** Null when the kernel does not read what the task reads. `target` keeps the first of equal
 *  keys. */
export function mapFirstRows(
  task: MapTask,
  by: readonly string[],
  target: Pick<Target, "emit" | "finish">,
): MapDone | null {
  return mapKeptRows(task, wantedOf({ op: "first", by, column: null }), () => target);
}

/** As `mapFirstRows`, of the rows that are wanted; all others are never seen. */
export function mapKeptRows(
  task: MapTask,
  wanted: WantedRows,
  targetOf: () => RowTarget,
): MapDone | null {
  const format = inputOf(task).input;
  if (format === undefined || !isGroupFormat(format, wanted.columns)) return null;
  const target = targetOf();
  const bad = new BadRecords(task.job.options.badRecords ?? "fail", `${task.out}.bad`);
  const odd = new OddRows(task, bad, target.emit);
  const most = Math.min(task.plan.spillBytes / 2, tablesMaxBytes);
  // Keys that are forgotten come once more, and the target has them already.
  const scanned = (table: GroupTable) => {
    if (table.sizeBytes > most) table.clear();
  };
  try {
    const frames = target.frames === undefined ? {} : { frames: target.frames };
    new RowScan({ task, format, wanted, odd, scanned, ...frames }).run();
    return { ...target.finish(), ...bad.finish() };
  } catch (error) {
    bad.discard();
    throw error;
  }
}
