/** Pairs as lines of a result, written a second time and on purpose: what the cluster writes is
 *  compared with this, byte for byte. */
import { ClusterError } from "../../core/error.ts";
import { Decimal } from "../../wire/block/decimal.ts";
import type { OutputFormat } from "../../wire/block/row.ts";
import type { Key } from "../job.ts";

export function rowLine(format: OutputFormat, key: Key, value: unknown): string {
  if (format === "ndjson") return `{"key":${asJson(key)},"value":${asJson(value)}}\n`;
  if (format === "csv") return `${asCell(key)},${asCell(value)}\n`;
  return `${asText(key)}\t${asText(value)}\n`;
}

/** What opens every part of a format that has rows. */
export function headLine(format: OutputFormat): string {
  return format === "csv" ? "key,value\n" : "";
}

/** JSON, with bytes as base64. What JSON would silently change is a `user-error`. */
export function asJson(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "null";
}

function plain(value: unknown): unknown {
  if (value instanceof Decimal) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
    }
  } else if (typeof value === "number" ? Number.isFinite(value) : !isOdd(value)) return value;
  throw new ClusterError("user-error", `${String(value)} cannot be stored in a result; use JSON`);
}

function isOdd(value: unknown): boolean {
  return ["function", "symbol", "bigint"].includes(typeof value);
}

function asCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : asJson(value);
  const needsQuotes = text === "" || ['"', ",", "\r", "\n"].some((char) => text.includes(char));
  return needsQuotes ? `"${text.split('"').join('""')}"` : text;
}

function asText(value: unknown): string {
  if (typeof value !== "string") return asJson(value);
  return value
    .split("\\")
    .join("\\\\")
    .split("\t")
    .join("\\t")
    .split("\n")
    .join("\\n")
    .split("\r")
    .join("\\r");
}
