/** What kernels group by, and what they do with each group. */
import type { GroupOp, GroupShape } from "../../kernels/groups/kernel.ts";

export type GroupBy = {
  readonly op: GroupOp;
  readonly by: readonly string[];
  /** Of the number; null when records are only counted. */
  readonly column: string | null;
};

/** The columns that are looked at, each once. */
export function columnsOf({ by, column }: GroupBy): readonly string[] {
  return [...new Set(column === null ? by : [...by, column])];
}

/** Of a kernel that merges groups, or reads CSV. */
export function shapeOf(groups: GroupBy): GroupShape {
  return { op: groups.op, fields: columnsOf(groups).length, keys: groups.by.length };
}
