/** The median of durations: near, kept over saving, and within the histogram's range. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Durations } from "./durations.ts";

function medianOf(...allMs: readonly number[]): number {
  const durations = new Durations();
  for (const ms of allMs) durations.add(ms);
  assert.equal(Durations.load(durations.save()).medianMs(), durations.medianMs());
  return durations.medianMs();
}

test("the median is within 9.1 % of the middle duration, from 1/64 ms to 40 days", () => {
  for (let ms = 1 / 64; ms < 40 * 86_400_000; ms *= 1.07) {
    const ratio = medianOf(ms / 10, ms, ms * 10) / ms;
    assert.ok(ratio < 1.091 && ratio > 1 / 1.091, `${ms} ms: ${ratio}`);
  }
});

test("powers of two are met exactly, and a bucket ends where the next begins", () => {
  for (const ms of [1 / 64, 1, 2, 1024, 2 ** 31]) assert.equal(medianOf(ms), ms);
  assert.equal(medianOf(1.0905077326652575), 1);
  assert.equal(medianOf(1.0905077326652577), 1.189207115002721);
});

test("what is shorter or longer than the buckets counts in the first or the last one", () => {
  assert.equal(medianOf(0), 1 / 64);
  assert.equal(medianOf(-1, Number.NaN, 1e-9), 1 / 64);
  assert.equal(medianOf(1e15), 2 ** 31 * 1.681792830507429);
  assert.equal(new Durations().medianMs(), 0);
});
