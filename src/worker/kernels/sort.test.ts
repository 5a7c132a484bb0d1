/** The order of keys is that of comparing their bytes one by one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { compareBytes } from "../../wire/block/arena.ts";
import { sortKeys } from "./sort.ts";

function sorted(keys: readonly Uint8Array[]): Uint8Array[] {
  let end = 0;
  const ends = new Uint32Array(keys.length);
  keys.forEach((key, i) => {
    end += key.length;
    ends[i] = end;
  });
  const starts = ends.map((at, i) => at - (keys[i] as Uint8Array).length);
  const order = Uint32Array.from(keys, (_, i) => i);
  const packed = { bytes: new Uint8Array(Buffer.concat(keys)), starts, ends };
  sortKeys(packed, order);
  return Array.from(order, (i) => keys[i] as Uint8Array);
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString("latin1"), key])).values()];
}

function check(keys: readonly Uint8Array[]): void {
  const unique = distinct(keys);
  assert.deepEqual(sorted(unique), unique.toSorted(compareBytes));
}

test("keys of few different bytes, many zeros and any length are sorted", () => {
  const key = fc.array(fc.constantFrom(0, 0, 0, 1, 255), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 200, size: "max" }), (keys) =>
      check(keys.map((bytes) => Uint8Array.from(bytes))),
    ),
    { numRuns: 200 },
  );
});

test("keys with long shared beginnings are sorted", () => {
  const keys = Array.from({ length: 3000 }, (_, i) => {
    const path = `https://example.org/${"a/".repeat(i % 90)}${(i * 7919) % 3001}`;
    return new Uint8Array(Buffer.from(path));
  });
  check(keys);
  check(Array.from({ length: 300 }, (_, i) => new Uint8Array(299 - i)));
});
