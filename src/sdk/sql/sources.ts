/** What a query reads: the format of its files by their names, their columns and the kinds of these
 *  by a sample. */
import { tableColumns } from "../../tables/rows.ts";
import { Decimal, exactNumber, parseExactJson } from "../../wire/block/decimal.ts";
import { isJsonArray } from "../../wire/content/shape.ts";
import { bytes, text } from "../format.ts";
import { csvFields } from "../local/csv.ts";
import { elementsOf } from "../local/json-array.ts";
import type { Table } from "../operators/query/table.ts";
import type { FoundFile } from "../plan/found.ts";
import { wrong } from "./refusal.ts";
import {
  bytesIn,
  filesOf,
  furtherSamples,
  linesIn,
  type QueryFiles,
  type Sample,
  sampleBytes,
  startOf,
} from "./samples.ts";

/** What a column has: "any" where it is mixed. */
export type ColumnType = "number" | "text" | "boolean" | "any";

export type SqlSource = {
  readonly columns: ReadonlyMap<string, ColumnType>;
  /** Rows of these columns, as they are in the files: cells of CSV as texts. */
  readonly table: (columns: readonly string[]) => Table<string, unknown>;
  /** Numbers and booleans are texts there, and must be read as what they are. */
  readonly isText: boolean;
  /** Throws `bad-request` when another file has a column that is not among these: `*` would leave
   *  it out without a word. */
  readonly refuseMore: () => Promise<void>;
  /** Where columns were looked for, when they can be elsewhere, too; else "". */
  readonly seen: string;
};

/** A header of another file is looked for in so much of it. */
const headBytes = 64 * 1024;

export async function sourceOf(given: string): Promise<SqlSource> {
  const path = given.replace(/^(https?:[^?#]*)[?#].*$/is, "$1");
  if (/\.(parquet|arrow|feather)$/i.test(path)) return tableSource(given, path);
  const name = path.replace(/\.(gz|zst)$/i, "");
  const kind = /\.(csv|tsv|json|jsonl|ndjson|txt|log)$/i.exec(name)?.[1]?.toLowerCase();
  if (kind === undefined) {
    throw wrong(
      `what ${path} is cannot be seen by its name; it must end with .csv, .tsv, .json, .jsonl, ` +
        ".ndjson, .txt or .log, with .gz or .zst behind it or not, or with .parquet, .arrow or " +
        ".feather",
    );
  }
  if (kind === "txt" || kind === "log") return linesSource;
  const files = await filesOf(given);
  if (kind === "csv" || kind === "tsv") return csvSource(files, kind === "tsv" ? "\t" : ",");
  return jsonSource(files);
}

const linesSource: SqlSource = {
  columns: new Map([["line", "text"]]),
  table: () => text.lines().table(),
  isText: true,
  refuseMore: async () => {},
  seen: "",
};

/** Columns and their kinds are in the file. */
async function tableSource(given: string, name: string): Promise<SqlSource> {
  const files = await filesOf(given);
  const format = /\.parquet$/i.test(name) ? "parquet" : "arrow";
  const columnsIn = (file: FoundFile) => {
    const read = (start: number, end: number) => bytesIn(file, start, end);
    return tableColumns({ name: file.name, format, sizeBytes: file.sizeBytes, read });
  };
  const found = await columnsIn(files.first);
  const columns = new Map(found.map((column) => [column.name, column.kind] as const));
  return {
    columns,
    table: (asked) => bytes.parquet(asked).table(),
    isText: false,
    refuseMore: () =>
      refuseMore(files, columns, async (file) => (await columnsIn(file)).map((one) => one.name)),
    seen: "",
  };
}

async function refuseMore(
  { first, others }: QueryFiles,
  columns: SqlSource["columns"],
  namesIn: (file: FoundFile) => Promise<readonly string[]>,
): Promise<void> {
  for (const file of others) {
    const more = (await namesIn(file)).find((name) => !columns.has(name) && name !== "");
    if (more === undefined) continue;
    const text = `${file.name} has a column "${more}", and ${first.name} has none`;
    throw wrong(`${text}, so that * would leave it out; name the columns that all files have`);
  }
}

async function csvSource(files: QueryFiles, separator: string): Promise<SqlSource> {
  const sample = await startOf(files.first);
  const [head, ...lines] = linesIn(sample);
  const names = head === undefined ? null : csvFields(head, separator);
  if (names === null) {
    throw wrong(`${files.first.name} has no header line in its first ${sampleBytes} bytes`);
  }
  const rows = lines.flatMap((line) => {
    const fields = csvFields(line, separator);
    return fields?.length === names.length ? [fields] : [];
  });
  const columns = new Map<string, ColumnType>();
  const unnamed = names.filter((name) => name === "").length;
  for (const [i, name] of names.entries()) {
    const cells = rows.map((fields) => fields[i] as string).filter((cell) => cell !== "");
    // One column may be without a name, as the index is that pandas writes.
    if (name !== "" || unnamed === 1) columns.set(name, kindOfCells(cells));
  }
  const options = { separator, multiline: sample.bytes.includes('"'), empty: "null" } as const;
  return {
    columns,
    table: (asked) => text.csv(asked, options).table(),
    isText: true,
    refuseMore: () =>
      refuseMore(files, columns, async (file) => {
        const [line = ""] = linesIn(await startOf(file, headBytes));
        return csvFields(line, separator) ?? [];
      }),
    seen: "",
  };
}

function kindOfCells(cells: readonly string[]): ColumnType {
  if (cells.length === 0) return "text";
  if (cells.every(isNumeric)) return "number";
  return cells.every((cell) => /^(true|false)$/i.test(cell)) ? "boolean" : "text";
}

/** Numbers that begin with a 0 are names: postcodes, numbers of articles. */
function isNumeric(cell: string): boolean {
  return (
    /^[+-]?(0|[1-9]\d*|0?(?=\.\d))(\.\d*)?(e[+-]?0*\d{1,3})?$/i.test(cell) &&
    exactNumber(cell) !== null
  );
}

async function jsonSource(files: QueryFiles): Promise<SqlSource> {
  const columns = new Map<string, ColumnType>();
  const sample = await startOf(files.first);
  const error = addSample(columns, sample);
  const isArray = isJsonArray(sample.bytes, sample.isEnd);
  for await (const further of furtherSamples(files)) {
    // The end of an array says nothing without its start.
    if (!isArray || further.isStart) addSample(columns, further);
  }
  if (columns.size === 0 && error !== null) {
    throw wrong(`${files.first.name} begins with no line of JSON: ${error.message}`);
  }
  return {
    columns,
    table: (asked) => text.json(asked).table(),
    isText: false,
    refuseMore: async () => {},
    seen: `in the first MiB of ${files.first.name} and parts of the others`,
  };
}

/** The error of the first row that is no JSON: a task reports it, or it is cut by the sample. */
function addSample(columns: Map<string, ColumnType>, sample: Sample): Error | null {
  let error: Error | null = null;
  for (const line of jsonTexts(sample)) {
    let row: unknown;
    try {
      row = parseExactJson(line);
    } catch (cause) {
      error ??= cause as Error;
      continue;
    }
    addColumns(columns, row, "");
  }
  return error;
}

function jsonTexts(sample: Sample): string[] {
  const { bytes, isEnd, isStart } = sample;
  if (!isStart || !isJsonArray(bytes, isEnd)) return linesIn(sample);
  return [...elementsOf(bytes, "utf-8")].map(({ text: element }) => element);
}

/** Objects have columns of their own, with dots. */
function addColumns(columns: Map<string, ColumnType>, value: unknown, name: string): void {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (isObject && !(value instanceof Decimal)) {
    for (const [key, inner] of Object.entries(value)) {
      addColumns(columns, inner, name === "" ? key : `${name}.${key}`);
    }
    return;
  }
  if (name === "" || name.includes("__proto__")) return;
  const type = typeOf(value);
  const known = columns.get(name);
  if (type === null) columns.set(name, known ?? "any");
  else if (known === undefined || known === "any") columns.set(name, known ?? type);
  else if (known !== type) columns.set(name, "any");
}

function typeOf(value: unknown): ColumnType | null {
  if (value === null) return null;
  if (typeof value === "number" || value instanceof Decimal) return "number";
  return typeof value === "string" ? "text" : typeof value === "boolean" ? "boolean" : "any";
}
