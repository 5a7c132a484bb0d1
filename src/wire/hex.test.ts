/** Bytes as hex digits: what is written, and how much memory it takes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { bytesOfHex, hexOf } from "./hex.ts";

test("is what Node writes, for every byte and length", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (let length = 0; length <= 256; length++) {
    const some = bytes.subarray(256 - length);
    assert.equal(hexOf(some), Buffer.from(some).toString("hex"));
    assert.deepEqual(bytesOfHex(hexOf(some)), some.slice());
  }
  for (const text of ["0", "0g", "0A", " 0", "é0"]) assert.equal(bytesOfHex(text), null, text);
});

test("a kept hash takes the bytes of its digits, not of the pairs it was made of", () => {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const count = 20_000;
  const kept: string[] = [];
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < count; i++) kept.push(hexOf(createHash("sha256").update(`${i}`).digest()));
  gc();
  const each = (process.memoryUsage().heapUsed - before) / count;
  assert.equal(new Set(kept).size, count);
  // 64 digits and the head of a text; pair by pair it was 1,100.
  assert.ok(each < 300, `${each.toFixed(0)} bytes for a hash`);
});
