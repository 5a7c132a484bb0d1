/** One pair of a result as a line of text, as tasks write it. */
import type { OutputFormat } from "../../core/job.ts";
import { jsonText } from "./json.ts";
import type { Key } from "./key.ts";

export type { OutputFormat };

/** How the parts of pairs are written: texts as such, and all else as JSON, of which the client
 *  makes tables, since the columns are known when all rows are. */
export type PairFormat = "ndjson" | "text";

export function pairFormat(output: OutputFormat = "ndjson"): PairFormat {
  return output === "text" || output === "bytes" ? "text" : "ndjson";
}

/** The line, with its newline. `where` names the origin of the pair, for the error. */
export function rowText(format: PairFormat, key: Key, value: unknown, where: string): string {
  if (format === "ndjson") {
    return `{"key":${jsonText(key, where)},"value":${jsonText(value, where)}}\n`;
  }
  return `${textCell(key, where)}\t${textCell(value, where)}\n`;
}

/** RFC 4180. Null is an empty cell and the empty string `""`; arrays and objects are JSON in one
 *  cell. */
export function csvCell(value: unknown, where: string): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : jsonText(value, where);
  if (text !== "" && !/[",\r\n]/.test(text)) return text;
  return `"${text.replaceAll('"', '""')}"`;
}

/** Strings are written as they are, except tab, newline, carriage return and backslash; everything
 *  else is JSON. */
export function textCell(value: unknown, where: string): string {
  if (typeof value !== "string") return jsonText(value, where);
  return value.replace(/[\t\n\r\\]/g, (found) => escapes[found] as string);
}

const escapes: Readonly<Record<string, string>> = {
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
  "\\": "\\\\",
};
