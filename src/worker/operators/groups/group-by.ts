/** What kernels group by, and what they do with each group. */
import type { GroupOp, GroupShape } from "../../kernels/groups/kernel.ts";

export type GroupBy = {
  readonly op: GroupOp;
  readonly by: readonly string[];
  /** Of the number; null when records are only counted. */
  readonly column: string | null;
};

export function shapeOf({ op, by, column }: GroupBy): GroupShape {
  const fields = new Set(column === null ? by : [...by, column]).size;
  return { op, fields, keys: by.length };
}
