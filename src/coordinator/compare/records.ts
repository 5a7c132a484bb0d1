/** A record of a map output as text, for people. */
import { readKey } from "../../wire/block/key.ts";
import { readValue } from "../../wire/block/value.ts";

/** Bytes that are shown of what is no key or value of job code, as those of operators. */
const rawMax = 64;

/** `key → value`, as JSON. */
export function recordText(key: Uint8Array, value: Uint8Array): string {
  return `${decoded(key, readKey)} → ${decoded(value, readValue)}`;
}

type Read = (bytes: Uint8Array, start: number, end: number) => unknown;

function decoded(bytes: Uint8Array, read: Read): string {
  try {
    const value = read(bytes, 0, bytes.length);
    // JSON has no -0, NaN and infinities, which may be the difference.
    if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return Buffer.from(bytes.subarray(0, rawMax)).toString("hex");
  }
}
