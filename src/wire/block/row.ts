/** One pair of a result as a line of text, in each of the output formats. */
import type { OutputFormat } from "../../core/job.ts";
import { jsonText } from "./json.ts";
import type { Key } from "./key.ts";

export type { OutputFormat };

/** First line of every CSV part that has rows; a reader that joins parts keeps only the first. */
export const csvHeader = "key,value\n";

/** The line, with its newline. `where` names the origin of the pair, for the error. */
export function rowText(format: OutputFormat, key: Key, value: unknown, where: string): string {
  switch (format) {
    case "ndjson":
      return `{"key":${jsonText(key, where)},"value":${jsonText(value, where)}}\n`;
    case "csv":
      return `${csvCell(key, where)},${csvCell(value, where)}\n`;
    case "text":
    case "bytes":
      return `${textCell(key, where)}\t${textCell(value, where)}\n`;
  }
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
