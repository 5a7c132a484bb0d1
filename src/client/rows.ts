/** Reads the files of a result: `[key, value]` of each line, as `wire/block/row.ts` writes them. */
import { StringDecoder } from "node:string_decoder";
import { ClusterError } from "../core/error.ts";
import type { OutputFormat } from "../wire/block/row.ts";

type Row = readonly [key: unknown, value: unknown];

export async function* rowsOf(
  format: Exclude<OutputFormat, "bytes">,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Row, void> {
  if (format === "csv") {
    yield* csvRows(chunks);
    return;
  }
  for await (const line of linesOf(chunks)) {
    yield format === "text" ? textRow(line) : jsonRow(line);
  }
}

/** Longest line, characters: that of a value in a result. */
const lineMaxCharacters = 64 * 1024 * 1024;

/** Without their newlines. Throws `limit-exceeded` for a line without an end. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(Buffer.from(chunk))).split("\n");
    rest = lines.pop()!;
    yield* lines;
    if (rest.length <= lineMaxCharacters) continue;
    throw new ClusterError("limit-exceeded", `a line is over ${lineMaxCharacters} characters`);
  }
  if (rest !== "") yield rest;
}

function jsonRow(line: string): Row {
  const { key, value } = JSON.parse(line) as { readonly key: unknown; readonly value: unknown };
  return [key, value];
}

const unescaped: Readonly<Record<string, string>> = {
  "\\t": "\t",
  "\\n": "\n",
  "\\r": "\r",
  "\\\\": "\\",
};

function textRow(line: string): Row {
  const tab = line.indexOf("\t");
  const read = (cell: string) => cell.replace(/\\[tnr\\]/g, (found) => unescaped[found]!);
  return [read(line.slice(0, tab)), read(line.slice(tab + 1))];
}

/** Records end with a newline outside of quotes; the first is the header. */
async function* csvRows(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Row, void> {
  let record = "";
  let isHeader = true;
  for await (const line of linesOf(chunks)) {
    record = record === "" ? line : `${record}\n${line}`;
    if ((record.split('"').length - 1) % 2 === 1) continue;
    if (!isHeader) yield cellsOf(record);
    isHeader = false;
    record = "";
  }
}

function cellsOf(record: string): Row {
  const [key = "", value = ""] = [...record.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(
    ([, cell = ""]) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell),
  );
  return [key, value];
}
