/** Keys and values as they come out of a file: what travels is a copy. */
import { Arena } from "../../wire/block/arena.ts";
import { keyMaxBytes, readKey, writeKey } from "../../wire/block/key.ts";
import { readValue, writeValue } from "../../wire/block/value.ts";
import type { Key } from "../job.ts";

const scratch = new Arena(1024);

export function bytesOfKey(key: Key, where = "map", maxBytes = keyMaxBytes): Uint8Array {
  scratch.length = 0;
  writeKey(scratch, key, where, maxBytes);
  return scratch.view().slice();
}

/** Equal for equal keys only: the text itself, or the bytes of any other key. */
export function nameOf(key: Key): string {
  return typeof key === "string" ? `"${key}` : Buffer.from(bytesOfKey(key)).toString("latin1");
}

/** What travels is a copy: changing an emitted object later changes nothing. */
export function copyKey(key: Key, where: string, maxBytes = keyMaxBytes): Key {
  if (isPlainText(key)) return key;
  const bytes = bytesOfKey(key, where, maxBytes);
  return readKey(bytes, 0, bytes.length);
}

export function copyValue(value: unknown): unknown {
  if (typeof value === "number" || isPlainText(value)) return value;
  scratch.length = 0;
  writeValue(scratch, value, "map");
  return readValue(scratch.view().slice(), 0, scratch.length);
}

/** Text that is the same after it has travelled: short enough, and without half characters. */
function isPlainText(value: unknown): value is string {
  return typeof value === "string" && value.length < 100_000 && value.isWellFormed();
}
