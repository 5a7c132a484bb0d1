/** The map task of `distinct` of CSV or JSON: a kernel drops rows whose keys have come before, and
 *  only the first ones are read and sorted. */
import type { GroupTable } from "../../kernels/groups/group-table.ts";
import { BadRecords } from "../../task/bad-records.ts";
import { inputOf, type MapDone, type MapTask, type Target } from "../../task/map-task.ts";
import { tablesMaxBytes } from "./map-groups.ts";
import { OddRows } from "./odd-rows.ts";
import { isGroupFormat, RowScan } from "./row-scan.ts";

/** Null when the kernel does not read what the task reads. `target` keeps the first of equal
 *  keys. */
export function mapFirstRows(
  task: MapTask,
  by: readonly string[],
  target: Pick<Target, "emit" | "finish">,
): MapDone | null {
  const format = inputOf(task).input;
  const groups = { op: "first", by, column: null } as const;
  if (format === undefined || !isGroupFormat(format, groups)) return null;
  const bad = new BadRecords(task.job.options.badRecords ?? "fail", `${task.out}.bad`);
  const odd = new OddRows(task, bad, target.emit);
  const most = Math.min(task.plan.spillBytes / 2, tablesMaxBytes);
  // Keys that are forgotten come once more, and the target has them already.
  const scanned = (table: GroupTable) => {
    if (table.sizeBytes > most) table.clear();
  };
  try {
    new RowScan({ task, format, groups, odd, scanned }).run();
    return { ...target.finish(), ...bad.finish() };
  } catch (error) {
    bad.discard();
    throw error;
  }
}
