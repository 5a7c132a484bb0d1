/** Values as JSON text, for results. Unlike `JSON.stringify` it changes nothing: what JSON cannot
 *  represent (NaN, bigint, functions, class instances, cycles) is a `user-error`. Uint8Array
 *  becomes base64. */
import { Decimal } from "./decimal.ts";
import { isPlain, refusal, valueDepthMax } from "./refusal.ts";

/** `undefined` is null, and left out of objects, as in `JSON.stringify`. `where` names the origin
 *  of the value, for the error. */
export function jsonText(value: unknown, where: string): string {
  const text = write(value, 0);
  if (text === null) throw refusal(value, where, true);
  return text;
}

/** Null when something in the value cannot be stored. */
function write(value: unknown, depth: number): string | null {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? `${value}` : null;
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "null";
    case "object":
      if (value === null) return "null";
      if (value instanceof Uint8Array) return `"${base64(value)}"`;
      if (value instanceof Decimal) return value.text;
      if (depth > valueDepthMax) return null;
      if (Array.isArray(value)) return writeArray(value, depth);
      return isPlain(value) ? writeObject(value, depth) : null;
    default:
      return null;
  }
}

function writeArray(value: readonly unknown[], depth: number): string | null {
  let text = "[";
  for (let i = 0; i < value.length; i++) {
    const element = write(value[i], depth + 1);
    if (element === null) return null;
    text += i === 0 ? element : `,${element}`;
  }
  return `${text}]`;
}

function writeObject(value: object, depth: number): string | null {
  let text = "{";
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name];
    if (inner === undefined) continue;
    const member = write(inner, depth + 1);
    if (member === null) return null;
    text += `${text === "{" ? "" : ","}${JSON.stringify(name)}:${member}`;
  }
  return `${text}}`;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const group = (a << 16) | (b << 8) | c;
    text += digits.charAt(group >> 18) + digits.charAt((group >> 12) & 63);
    text += i + 1 < bytes.length ? digits.charAt((group >> 6) & 63) : "=";
    text += i + 2 < bytes.length ? digits.charAt(group & 63) : "=";
  }
  return text;
}
