/** Reads the fields of payloads, in either spelling: the document's and that of deployed peers. */
import { ClusterError } from "../../core/error.ts";
import type { Message } from "./codec.ts";
import { floatText, PyFloat, PyTuple, type PyValue, typeName } from "./value.ts";

/** The first of these names that is present. */
function found({ payload }: Message, names: readonly string[]): PyValue | undefined {
  const name = names.find((one) => payload.has(one));
  return name === undefined ? undefined : payload.get(name);
}

function missing({ name }: Message, field: string, what: string): ClusterError {
  return new ClusterError("bad-request", `${name} needs ${field}, ${what}`);
}

/** Throws `bad-request`. Numbers are read as their text: columns are all text. */
export function textField(message: Message, ...names: readonly string[]): string {
  const text = asText(found(message, names));
  if (text === null) throw missing(message, names[0] ?? "", "a string");
  return text;
}

export function hasField(message: Message, ...names: readonly string[]): boolean {
  return found(message, names) !== undefined;
}

/** Absent = false. */
export function flagField(message: Message, ...names: readonly string[]): boolean {
  const value = found(message, names) ?? false;
  if (typeof value === "boolean") return value;
  if (value === 0n || value === 1n) return value === 1n;
  throw missing(message, names[0] ?? "", "true or false");
}

/** A number of bytes; absent = null. */
export function sizeField(message: Message, name: string): number | null {
  const value = found(message, [name]) ?? null;
  if (value === null) return null;
  const isSize = typeof value === "bigint" && value >= 0n && value <= Number.MAX_SAFE_INTEGER;
  if (isSize) return Number(value);
  throw missing(message, name, "a number of bytes");
}

export function listField(message: Message, ...names: readonly string[]): readonly PyValue[] {
  const items = asList(found(message, names));
  if (items === null) throw missing(message, names[0] ?? "", "a list");
  return items;
}

export function textsField(message: Message, ...names: readonly string[]): string[] {
  return listField(message, ...names).map((item) => {
    const text = asText(item);
    if (text === null) throw missing(message, names[0] ?? "", "a list of strings");
    return text;
  });
}

/** Reads `[field, value]`. */
export function pairOf(message: Message, field: string, value: PyValue): [string, string] {
  const [name, text, ...more] = (asList(value) ?? []).map(asText);
  if (typeof name === "string" && typeof text === "string" && more.length === 0) {
    return [name, text];
  }
  throw missing(message, field, "a pair of field and value");
}

export function asList(value: PyValue | undefined): readonly PyValue[] | null {
  if (value instanceof PyTuple) return value.items;
  return Array.isArray(value) ? (value as readonly PyValue[]) : null;
}

function asText(value: PyValue | undefined): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return String(value);
  return value instanceof PyFloat ? floatText(value.value) : null;
}

/** An address is two strings. Throws `bad-request`. */
export function addressOf(message: Message, field: string, value: PyValue | undefined): Address {
  const [host, port, ...more] = (asList(value) ?? []).map(asText);
  const isPort = /^[0-9]{1,5}$/.test(port ?? "") && Number(port) > 0 && Number(port) < 65_536;
  const isHost = /^[0-9A-Za-z.:_-]{1,255}$/.test(host ?? "");
  if (isHost && isPort && more.length === 0) return { host: host as string, port: Number(port) };
  const what = value === undefined ? "nothing" : typeName(value);
  throw missing(message, field, `a list of host and port, not ${what}`);
}

export type Address = { readonly host: string; readonly port: number };

export function addressField(message: Message, ...names: readonly string[]): Address {
  return addressOf(message, names[0] ?? "", found(message, names));
}

/** The form in which every address is written. */
export function addressValue({ host, port }: Address): PyValue {
  return [host, String(port)];
}
