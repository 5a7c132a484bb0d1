/** Makes tables of results whose parts are lines of JSON. The columns are known when all rows are,
 *  so the rows are read twice where the job does not know them. */
import type { OutputFormat, RowShape } from "../../core/job.ts";
import { halfCharacter } from "../../wire/block/refusal.ts";
import type { JobResult, ResultPart } from "../job-result.ts";
import { type Cells, type LineReader, lineReader, type Renamed, type Rows } from "./cells.ts";
import { type Cell, type Column, ColumnsSeen } from "./columns.ts";
import { csvBytes } from "./csv.ts";
import { linesAtOnce, linesOf } from "./lines.ts";
import { Repeated } from "./repeated.ts";
import { rowBytes } from "./rows.ts";

type TableFormat = Exclude<OutputFormat, "ndjson" | "text" | "bytes">;
type TableShape = Exclude<RowShape, { of: "lines" }>;
type Encode = (rows: Rows, columns: () => Promise<readonly Column[]>) => AsyncIterable<Uint8Array>;

const encoders: Readonly<Record<TableFormat, Encode>> = {
  csv: csvBytes,
  rows: rowBytes,
  async *parquet(rows, columns) {
    const { parquetBytes } = await import("./parquet.ts");
    yield* parquetBytes(rows, await columns());
  },
  async *arrow(rows, columns) {
    const { arrowBytes } = await import("./arrow.ts");
    yield* arrowBytes(rows, await columns());
  },
};

/** The result in its format; as it is when its parts are in that already. */
export function tabled(result: JobResult): JobResult {
  const { format, shape } = result;
  const isTable = format in encoders && shape !== undefined && shape.of !== "lines";
  if (!isTable || (format === "rows" && shape.of === "rows")) return result;
  return new TableResult(result, shape, format as TableFormat).result;
}

/** Parquet and Arrow have no other texts than UTF-8: their libraries would write another one. */
function checkTexts(name: string, cell: Cell): void {
  if (name.isWellFormed() && (typeof cell !== "string" || cell.isWellFormed())) return;
  throw halfCharacter();
}

class TableResult {
  readonly result: JobResult;
  readonly #parts: readonly ResultPart[];
  readonly #shape: TableShape;
  readonly #items: JobResult["items"];
  readonly #encode: Encode;
  readonly #isTyped: boolean;
  readonly #read: () => LineReader;
  readonly #renamed: Renamed = new Map();
  #columns: Promise<readonly Column[]> | null = null;

  constructor(result: JobResult, shape: TableShape, format: TableFormat) {
    this.#parts = result.parts;
    this.#shape = shape;
    this.#items = result.items;
    this.#encode = encoders[format];
    this.#isTyped = format === "parquet" || format === "arrow";
    this.#read = () => lineReader(shape, format !== "rows", this.#renamed);
    this.result = {
      ...result,
      parts: result.parts.map((part) => ({ sizeBytes: 0, read: () => this.#bytes([part]) })),
      whole: () => this.#bytes(result.parts),
    };
  }

  #bytes(parts: readonly ResultPart[]): AsyncIterable<Uint8Array> {
    return this.#encode(this.#rows(parts), () => {
      this.#columns ??= this.#found();
      return this.#columns;
    });
  }

  async #found(): Promise<readonly Column[]> {
    const shape = this.#shape;
    const known = shape.of === "tasks" ? undefined : shape.columns;
    const seen = new ColumnsSeen(known);
    const repeated = new Repeated(this.#renamed);
    if (known === undefined || this.#isTyped) {
      for await (const rows of this.#rows(this.#parts)) {
        for (const row of rows) {
          for (const [name, cell] of row) {
            if (this.#isTyped) checkTexts(name, cell);
            seen.add(name, cell);
          }
          repeated.add(row);
        }
      }
    }
    return seen.columns.filter(({ name }) => !repeated.has(name));
  }

  async *#rows(parts: readonly ResultPart[]): Rows {
    const read = this.#read();
    const items = this.#items === undefined ? null : linesOf(this.#items());
    let index = 0;
    try {
      for (const part of parts) {
        for await (const lines of linesAtOnce(part.read(true))) {
          const rows: Cells[] = [];
          for (const line of lines) {
            const item = items === null ? null : ((await items.next()).value ?? null);
            rows.push(read(line, index, item));
            index++;
          }
          yield rows;
        }
      }
    } finally {
      // What comes after the last item is never asked for: its file would stay open.
      await items?.return();
    }
  }
}
