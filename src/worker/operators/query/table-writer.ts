/** Writes rows as the lines of a table: NDJSON, CSV with a header, or texts with tabs. */
import type { OutputFormat } from "../../../core/job.ts";
import { jsonText } from "../../../wire/block/json.ts";
import { csvCell, textCell } from "../../../wire/block/row.ts";
import { type Part, PartWriter } from "../../kernels/output.ts";
import type { Row } from "./values.ts";

export class TableWriter {
  readonly #part: PartWriter;
  readonly #lineOf: (row: Row) => string;
  readonly #head: string;
  #count = 0;

  constructor(path: string, format: OutputFormat, columns: readonly string[]) {
    // The lines are ready; only the writer's own rows would have its header.
    this.#part = new PartWriter(path, "ndjson");
    this.#lineOf = lineWriter(format, columns);
    const names = columns.map((name) => csvCell(name, "a query")).join(",");
    this.#head = format === "csv" ? `${names}\n` : "";
  }

  add(row: Row): void {
    if (this.#count++ === 0) this.#part.head(this.#head);
    this.#part.line(this.#lineOf(row));
  }

  /** A table without rows has its header all the same. */
  finish(): Part {
    if (this.#count === 0) this.#part.head(this.#head);
    return this.#part.finish();
  }

  discard(): void {
    this.#part.discard();
  }
}

function lineWriter(format: OutputFormat, columns: readonly string[]): (row: Row) => string {
  if (format === "csv")
    return (row) => `${row.map((cell) => csvCell(cell, "a query")).join(",")}\n`;
  if (format === "text") {
    return (row) => `${row.map((cell) => textCell(cell, "a query")).join("\t")}\n`;
  }
  const names = columns.map((name) => JSON.stringify(name));
  return (row) => {
    const members = names.map((name, i) => `${name}:${jsonText(row[i] ?? null, "a query")}`);
    return `{${members.join(",")}}\n`;
  };
}
