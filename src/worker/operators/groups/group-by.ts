/** What kernels group by, and what they do with each group. */
import type { GroupTable } from "../../kernels/groups/group-table.ts";
import type { GroupOp, GroupShape } from "../../kernels/groups/kernel.ts";
import type { Program } from "../../kernels/groups/program.ts";

export type GroupBy = {
  readonly op: GroupOp;
  readonly by: readonly string[];
  /** Of the number; null when records are only counted. */
  readonly column: string | null;
};

/** What a kernel wants of rows. */
export type WantedRows = {
  /** The columns that are looked at, each once. */
  readonly columns: readonly string[];
  readonly shape: GroupShape;
  /** Bytes that are not UTF-8, or have U+0000 among them, are read by the host. */
  readonly isPlain: boolean;
  /** The fields of a row are these columns. */
  setFields(table: GroupTable, fields: readonly string[]): void;
};

export function wantedOf(groups: GroupBy): WantedRows {
  const { by, column } = groups;
  return {
    columns: columnsOf(groups),
    shape: shapeOf(groups),
    isPlain: false,
    setFields(table, fields) {
      const keys = by.map((name) => fields.indexOf(name));
      table.setFields(keys, column === null ? null : fields.indexOf(column));
    },
  };
}

export function wantedByProgram(program: Program): WantedRows {
  const { columns } = program;
  return {
    columns,
    shape: { op: "count", fields: columns.length, keys: 0, program },
    isPlain: true,
    setFields(table, fields) {
      table.setColumnFields(columns.map((name) => fields.indexOf(name)));
    },
  };
}

function columnsOf({ by, column }: GroupBy): readonly string[] {
  return [...new Set(column === null ? by : [...by, column])];
}

/** Of a kernel that merges groups, or reads CSV. */
export function shapeOf(groups: GroupBy): GroupShape {
  return { op: groups.op, fields: columnsOf(groups).length, keys: groups.by.length };
}
