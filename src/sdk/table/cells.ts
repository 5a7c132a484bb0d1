/** The lines of a result as cells of a table: fields of objects are columns, nested ones dotted. */
import { ClusterError } from "../../core/error.ts";
import type { RowShape } from "../../core/job.ts";
import { Decimal, parseExactJson } from "../../wire/block/decimal.ts";
import type { Cell } from "./columns.ts";

/** The cells of a row by the names of their columns, in order. */
export type Cells = Map<string, Cell>;

/** Rows in the order of the result, some at once. */
export type Rows = AsyncIterable<readonly Cells[]>;

/** `item`: of a list of tasks, as JSON; null when it is not known. */
export type LineReader = (line: string, index: number, item: string | null) => Cells;

/** Columns whose name was taken, `value.id`, with that name, `id`. */
export type Renamed = Map<string, string>;

/** `deep`: objects within objects are columns, too; else they are cells. `renamed` gets what was
 *  renamed of a list of tasks, as it comes. */
export function lineReader(
  shape: Exclude<RowShape, { of: "lines" }>,
  deep: boolean,
  renamed: Renamed = new Map(),
): LineReader {
  if (shape.of === "rows") return (line) => rowCells(parsed(line), shape.columns);
  const known = shape.of === "pairs" ? new Set(shape.columns) : new Set<string>();
  const row = new RowCells(known, deep, renamed);
  if (shape.of === "tasks") {
    return (line, index, item) => {
      row.begin();
      if (item === null) row.put("index", index);
      else row.key("item", parsed(item));
      row.value("value", parsed(line));
      return row.cells;
    };
  }
  const { key, value = "value" } = shape;
  return (line) => {
    const pair = parsed(line) as { readonly key: unknown; readonly value: unknown };
    row.begin();
    if (key === undefined) row.key("key", pair.key);
    else if (key.length === 1) row.put(key[0]!, pair.key as Cell);
    else for (const [i, name] of key.entries()) row.put(name, (pair.key as readonly Cell[])[i]!);
    row.value(value, pair.value);
    return row.cells;
  };
}

function parsed(line: string): unknown {
  return parseExactJson(line);
}

/** A row of a table, whose columns are known. */
function rowCells(row: unknown, columns: readonly string[]): Cells {
  const fields = row as Readonly<Record<string, Cell>>;
  return new Map(columns.map((name) => [name, fields[name] ?? null]));
}

class RowCells {
  cells: Cells = new Map();
  readonly #known: ReadonlySet<string>;
  readonly #deep: boolean;
  readonly #renamed: Renamed;

  /** `known`: all columns; without any, a row has the columns that it has. */
  constructor(known: ReadonlySet<string>, deep: boolean, renamed: Renamed) {
    this.#known = known;
    this.#deep = deep;
    this.#renamed = renamed;
  }

  begin(): void {
    this.cells = new Map();
  }

  put(name: string, cell: Cell): void {
    if (this.cells.has(name)) {
      const text = `two cells of one row for the column ${JSON.stringify(name)}`;
      throw new ClusterError("user-error", `${text}; rename one, or use output: "ndjson"`);
    }
    this.cells.set(name, cell);
  }

  /** Elements of a list are columns `key.0`, `key.1`; fields of an object have their own names. */
  key(name: string, value: unknown): void {
    if (Array.isArray(value)) {
      for (const [i, one] of value.entries()) this.put(`${name}.${i}`, one as Cell);
    } else if (isFields(value)) this.#fields(value, "");
    else this.put(name, value as Cell);
  }

  /** A field that has the name of a column of the key is `value.` and its name. */
  value(name: string, value: unknown): void {
    if (!isFields(value)) {
      this.put(this.cells.has(name) ? `value.${name}` : name, value as Cell);
      return;
    }
    const taken = new Set(this.cells.keys());
    this.#fields(value, "", taken);
  }

  #rename(own: string): string {
    const name = `value.${own}`;
    this.#renamed.set(name, own);
    return name;
  }

  #fields(value: object, prefix: string, taken: ReadonlySet<string> = new Set()): void {
    for (const [field, inner] of Object.entries(value)) {
      const own = `${prefix}${field}`;
      const name = prefix === "" && taken.has(own) ? this.#rename(own) : own;
      const isColumn = !this.#deep || this.#known.has(name) || !isFields(inner);
      if (!isColumn && Object.keys(inner as object).length > 0) {
        this.#fields(inner as object, `${name}.`);
      } else if (this.#known.size === 0 || this.#known.has(name)) this.put(name, inner as Cell);
    }
  }
}

function isFields(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Decimal)
  );
}
