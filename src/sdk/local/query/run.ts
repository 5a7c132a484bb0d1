/** Queries as the judge runs them: all rows in memory, one step after the other. */
import { Arena, compareBytes } from "../../../wire/block/arena.ts";
import { Decimal } from "../../../wire/block/decimal.ts";
import { type Key, writeKey } from "../../../wire/block/key.ts";
import { partitionOf } from "../../../wire/block/partition.ts";
import type { OperatorSpec } from "../../../wire/block/plan.ts";
import {
  columnsAfter,
  isShuffle,
  type QuerySpec,
  type QueryStep,
  type ShuffleStep,
  type SortColumn,
} from "../../../wire/block/query.ts";
import type { AnyMapReduce } from "../../job.ts";
import { keyOf } from "../operators.ts";
import { asCell, asJson, rowLine } from "../rows.ts";
import { leadingNumber } from "../sorting.ts";
import { aggregated, checkCell } from "./aggregate.ts";
import { evaluate, type JudgedRow, truth } from "./evaluate.ts";

type Rows = readonly JudgedRow[];

/** A job whose values are the rows that come to the first shuffle. What is wrong with a record
 *  shows here. */
export function queryRows({ inputs, badRecords }: OperatorSpec, spec: QuerySpec): AnyMapReduce {
  const format = inputs.default!;
  const first = spec.steps.findIndex(isShuffle);
  const before = first === -1 ? spec.steps : spec.steps.slice(0, first);
  const shuffle = spec.steps[first];
  const map = (record: unknown, emit: (key: Key, value: unknown) => void) => {
    const isNull = format.format === "csv" && spec.emptyIsNull;
    const fields = spec.columns.map((column) => {
      const cell = typeof record === "string" ? record : (record as JudgedRow)[column];
      return [column, isNull && cell === "" ? null : cell];
    });
    const rows = before.reduce<Rows>(
      (all, step) => rowStep(step, all),
      [Object.fromEntries(fields)],
    );
    for (const row of rows) {
      if (shuffle?.step === "group") {
        keyOf(row, shuffle.by);
        for (const one of shuffle.aggregates) checkCell(one, one.column && row[one.column]);
      } else if (shuffle?.step === "first") keyOf(row, shuffle.by);
      emit(null, { ...row });
    }
  };
  return {
    kind: "map-reduce",
    inputs: { default: { input: format, map } },
    options: { badRecords },
  };
}

/** The texts of the parts: `splits` are the rows of each. */
export function queryParts(
  operator: OperatorSpec,
  spec: QuerySpec,
  splits: readonly Rows[],
): string[] {
  let parts: readonly Rows[] = splits;
  let columns = spec.columns;
  let shuffles = 0;
  for (const step of spec.steps) {
    if (isShuffle(step)) {
      const reducers = spec.reducers[shuffles]!;
      parts = shuffled(step, parts.flat(), { columns, reducers, isLater: shuffles > 0 });
      shuffles++;
    } else if (shuffles > 0) parts = parts.map((rows) => rowStep(step, rows));
    columns = columnsAfter(step, columns);
  }
  return parts.map((rows) => textOfRows(operator, columns, rows));
}

function rowStep(step: QueryStep, rows: Rows): Rows {
  if (step.step === "where") return rows.filter((row) => truth(evaluate(step.test, row)) === true);
  if (step.step !== "select") return rows;
  return rows.map((row) =>
    Object.fromEntries(step.columns.map(({ name, value }) => [name, evaluate(value, row)])),
  );
}

type Shuffling = {
  readonly columns: readonly string[];
  readonly reducers: number;
  readonly isLater: boolean;
};

function shuffled(step: ShuffleStep, rows: Rows, of: Shuffling): readonly Rows[] {
  if (step.step === "sort") {
    const { limit, offset } = step;
    const end = limit === null ? rows.length : offset + limit;
    return [inOrder(rows, step.by, of).slice(offset, end)];
  }
  const parts: JudgedRow[][] = Array.from({ length: of.reducers }, () => []);
  for (const { key, rows: group } of groupsOf(rows, step.by)) {
    const part = parts[partitionOf(key, of.reducers)]!;
    if (step.step === "group") part.push(groupRow(step, group));
    else for (const row of inOrder(group, step.sort, of).slice(0, step.limit)) part.push(row);
  }
  if (step.step === "group" && step.by.length === 0 && rows.length === 0) {
    parts[0]!.push(groupRow(step, []));
  }
  return parts;
}

function groupRow(step: Extract<ShuffleStep, { step: "group" }>, rows: Rows): JudgedRow {
  const names = step.by.map((column) => [column, rows[0]![column]]);
  const results = step.aggregates.map((one) => [
    one.name,
    aggregated(
      one,
      rows.map((row) => row[one.column ?? ""]),
    ),
  ]);
  return Object.fromEntries([...names, ...results]);
}

type Group = { readonly key: Uint8Array; readonly rows: JudgedRow[] };

/** In the order of their keys. */
function groupsOf(rows: Rows, by: readonly string[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = bytesOf(keyOf(row, by));
    const name = Buffer.from(key).toString("latin1");
    const group = groups.get(name) ?? { key, rows: [] };
    group.rows.push(row);
    groups.set(name, group);
  }
  return [...groups.values()].sort((a, b) => compareBytes(a.key, b.key));
}

function bytesOf(key: Key): Uint8Array {
  const arena = new Arena(64);
  writeKey(arena, key, "map");
  return arena.view().slice();
}

function inOrder(rows: Rows, by: readonly SortColumn[], { columns, isLater }: Shuffling): Rows {
  const all = columns.map(
    (column) => ({ by: column, order: "ascending", numeric: false, nulls: "first" }) as const,
  );
  const parts: readonly SortColumn[] = isLater ? [...by, ...all] : by;
  const keyed = rows.map((row) => ({
    row,
    keys: parts.map((part) => sortKey(row[part.by], part)),
  }));
  keyed.sort((a, b) => {
    for (const [i, part] of parts.entries()) {
      const order = compared(a.keys[i] ?? null, b.keys[i] ?? null, part);
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map(({ row }) => row);
}

/** Null of null. */
function sortKey(cell: unknown, { numeric }: SortColumn): Uint8Array | null {
  const key = numeric ? leadingNumber(cell) : scalar(cell ?? null);
  return key === null ? null : bytesOf([key]);
}

function compared(
  x: Uint8Array | null,
  y: Uint8Array | null,
  { nulls, order }: SortColumn,
): number {
  if (x === null || y === null) {
    const sign = nulls === "first" ? 1 : -1;
    return x === y ? 0 : x === null ? -sign : sign;
  }
  return (order === "ascending" ? 1 : -1) * compareBytes(x, y);
}

function scalar(cell: unknown): Key {
  const isNested = typeof cell === "object" && cell !== null && !(cell instanceof Decimal);
  return isNested ? asJson(cell) : (cell as Key);
}

function textOfRows({ output }: OperatorSpec, columns: readonly string[], rows: Rows): string {
  const csv = (cell: unknown) => asCell(cell);
  const text = (cell: unknown) => rowLine("text", "", cell).slice(1, -1);
  const lines = rows.map((row) => {
    const cells = columns.map((column) => row[column]);
    if (output === "csv") return `${cells.map(csv).join(",")}\n`;
    if (output === "text") return `${cells.map(text).join("\t")}\n`;
    return `{${columns.map((name) => `${asJson(name)}:${asJson(row[name] ?? null)}`).join(",")}}\n`;
  });
  return `${output === "csv" ? `${columns.map(csv).join(",")}\n` : ""}${lines.join("")}`;
}
