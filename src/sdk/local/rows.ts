/** Pairs as lines of a result, written a second time and on purpose: what the cluster writes is
 *  compared with this, byte for byte. */
import { Decimal } from "../../wire/block/decimal.ts";
import { refusal, valueDepthMax } from "../../wire/block/refusal.ts";
import type { OutputFormat } from "../../wire/block/row.ts";
import type { Key } from "../job.ts";

/** `where` names the origin of the pair, for the error; default: the operator. */
export function rowLine(
  format: OutputFormat,
  key: Key,
  value: unknown,
  where = "the operator",
): string {
  if (format !== "text") return `{"key":${asJson(key, where)},"value":${asJson(value, where)}}\n`;
  return `${asText(key, where)}\t${asText(value, where)}\n`;
}

/** JSON, with bytes as base64. What JSON would silently change is a `user-error`. */
export function asJson(value: unknown, where = "the operator"): string {
  const copy = plain(value, 0);
  if (copy === refused) throw refusal(value, where, true);
  return JSON.stringify(copy) ?? "null";
}

const refused = Symbol("refused");

function plain(value: unknown, depth: number): unknown {
  if (value instanceof Decimal) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "object" && value !== null) {
    if (depth > valueDepthMax) return refused;
    const prototype = Object.getPrototypeOf(value);
    // `toJSON` of a plain object is a function, and refused as one.
    const isList = Array.isArray(value);
    if (!isList && prototype !== Object.prototype && prototype !== null) return refused;
    const copies = isList
      ? Array.from(value, (one) => plain(one, depth + 1))
      : Object.entries(value).map(([, inner]) => plain(inner, depth + 1));
    if (copies.includes(refused)) return refused;
    return isList ? copies : Object.fromEntries(Object.keys(value).map((n, i) => [n, copies[i]]));
  }
  if (typeof value === "number") return Number.isFinite(value) ? value : refused;
  return isOdd(value) ? refused : value;
}

function isOdd(value: unknown): boolean {
  return ["function", "symbol", "bigint"].includes(typeof value);
}

/** A cell of CSV. */
export function asCell(value: unknown, where = "the operator"): string {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : asJson(value, where);
  const needsQuotes = text === "" || ['"', ",", "\r", "\n"].some((char) => text.includes(char));
  return needsQuotes ? `"${text.split('"').join('""')}"` : text;
}

function asText(value: unknown, where: string): string {
  if (typeof value !== "string") return asJson(value, where);
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
