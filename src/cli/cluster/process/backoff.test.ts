/** Waits between the lives of a process that crashes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("waits double up to a minute, and begin anew after a minute of life", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 10 }, () => backoff.waitMs(100));
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  assert.equal(backoff.waitMs(59_999), 60_000);
  assert.deepEqual([backoff.waitMs(60_000), backoff.waitMs(0)], [250, 500]);
});
