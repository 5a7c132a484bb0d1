/** What a query reads: the format of its files by their names, their columns and the kinds of these
 *  by the beginning of the first file. */
import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import { tableColumns } from "../../tables/rows.ts";
import { Decimal, exactNumber, parseExactJson } from "../../wire/block/decimal.ts";
import { isJsonArray } from "../../wire/content/shape.ts";
import { bytes, text } from "../format.ts";
import { findInputs } from "../inputs.ts";
import { csvFields } from "../local/csv.ts";
import { elementsOf } from "../local/json-array.ts";
import type { Table } from "../operators/query/table.ts";
import { bytesAt, type FoundFile } from "../plan/found.ts";
import { readRemote } from "../plan/inputs/remote.ts";
import { wrong } from "./refusal.ts";

/** What a column has: "any" where it is mixed. */
export type ColumnType = "number" | "text" | "boolean" | "any";

export type SqlSource = {
  readonly columns: ReadonlyMap<string, ColumnType>;
  /** Rows of these columns, as they are in the files: cells of CSV as texts. */
  readonly table: (columns: readonly string[]) => Table<string>;
  /** Numbers are texts there, and must be read as numbers. */
  readonly isText: boolean;
};

/** So much of a file is looked at. */
const sampleBytes = 1024 * 1024;

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
  const sample = await sampleOf(given);
  if (kind === "csv" || kind === "tsv") return csvSource(sample, kind === "tsv" ? "\t" : ",", path);
  return jsonSource(sample);
}

const linesSource: SqlSource = {
  columns: new Map([["line", "text"]]),
  table: () => text.lines().table(),
  isText: true,
};

/** Columns and their kinds are in the file. */
async function tableSource(given: string, name: string): Promise<SqlSource> {
  const file = await firstOf(given);
  const format = /\.parquet$/i.test(name) ? "parquet" : "arrow";
  const read = (start: number, end: number) => bytesIn(file, start, end);
  const table = { name: file.name, format, sizeBytes: file.sizeBytes, read } as const;
  const columns = (await tableColumns(table)).map((column) => [column.name, column.kind] as const);
  return {
    columns: new Map(columns),
    table: (asked) => bytes.parquet(asked).table(),
    isText: false,
  };
}

/** The first file that is not empty. */
async function firstOf(path: string): Promise<FoundFile> {
  const { files, remove } = await findInputs([path], { names: ["default"] });
  await remove();
  const file = files.find(({ sizeBytes }) => sizeBytes > 0) ?? files[0];
  if (file?.at.kind === "path" || file?.at.kind === "remote") return file;
  throw wrong("only files of this machine and of addresses can be asked");
}

async function bytesIn({ at, name, sizeBytes }: FoundFile, start: number, end: number) {
  const until = Math.min(end, sizeBytes);
  if (at.kind === "path") return bytesAt(at.path, start, until - start);
  if (at.kind !== "remote") throw wrong(`${name} cannot be read here`);
  return readRemote({ name, compression: "none", sizeBytes, at }, start, until);
}

type Sample = { readonly bytes: Buffer; readonly isAll: boolean };

async function sampleOf(path: string): Promise<Sample> {
  const file = await firstOf(path);
  const start = Buffer.from(await bytesIn(file, 0, sampleBytes));
  const isAll = file.content?.kind === "plain" && start.length === file.sizeBytes;
  return { bytes: unpacked(start, file), isAll };
}

function unpacked(start: Buffer, { content, name }: FoundFile): Buffer {
  try {
    if (content?.kind === "gzip") {
      return gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH });
    }
    if (content?.kind !== "zstd") return start;
    return zstdDecompressSync(start, { finishFlush: constants.ZSTD_e_flush });
  } catch (cause) {
    const message = `${name} cannot be decompressed: ${(cause as Error).message}`;
    throw new ClusterError("bad-request", message, { cause });
  }
}

/** Without the last line when it may go on. */
function linesIn({ bytes, isAll }: Sample): string[] {
  const lines = bytes
    .toString()
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/);
  if (!isAll || lines.at(-1) === "") lines.pop();
  return lines;
}

function csvSource(sample: Sample, separator: string, path: string): SqlSource {
  const [head, ...lines] = linesIn(sample);
  const names = head === undefined ? null : csvFields(head, separator);
  if (names === null) throw wrong(`${path} has no header line in its first ${sampleBytes} bytes`);
  const rows = lines.flatMap((line) => {
    const fields = csvFields(line, separator);
    return fields?.length === names.length ? [fields] : [];
  });
  const columns = new Map<string, ColumnType>();
  for (const [i, name] of names.entries()) {
    const cells = rows.map((fields) => fields[i] as string).filter((cell) => cell !== "");
    const isNumber = cells.length > 0 && cells.every(isNumeric);
    if (name !== "") columns.set(name, isNumber ? "number" : "text");
  }
  const options = { separator, multiline: sample.bytes.includes('"'), empty: "null" } as const;
  return { columns, table: (asked) => text.csv(asked, options).table(), isText: true };
}

/** Numbers that begin with a 0 are names: postcodes, numbers of articles. */
function isNumeric(cell: string): boolean {
  return (
    /^[+-]?(0|[1-9]\d*|0?(?=\.\d))(\.\d*)?(e[+-]?\d{1,3})?$/i.test(cell) &&
    exactNumber(cell) !== null
  );
}

function jsonSource(sample: Sample): SqlSource {
  const columns = new Map<string, ColumnType>();
  for (const line of jsonTexts(sample)) {
    let row: unknown;
    try {
      row = parseExactJson(line);
    } catch {
      // A task reports it, or what is cut at the end of the sample.
      continue;
    }
    addColumns(columns, row, "");
  }
  return { columns, table: (asked) => text.json(asked).table(), isText: false };
}

function jsonTexts(sample: Sample): string[] {
  const { bytes, isAll } = sample;
  if (!isJsonArray(bytes, isAll)) return linesIn(sample);
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
