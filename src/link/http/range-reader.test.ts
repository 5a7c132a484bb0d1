/** Contents in ranges over a source of arithmetic: in order, whole, and within the lanes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesIn, pattern, same } from "../../conformance/bytes.ts";
import { ClusterError } from "../../core/error.ts";
import { Lanes } from "../../core/transfer/lanes.ts";
import { type RangeSource, readInRanges } from "./range-reader.ts";

const bytes = pattern(5_000_000);

/** Ranges end in any order; now and then one is cut in its middle. */
function sourceOf(counts: { now: number; most: number; cuts: number }): RangeSource {
  let state = 1;
  return {
    async *read({ end, start }) {
      counts.most = Math.max(counts.most, ++counts.now);
      try {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        for (let turns = state % 7; turns > 0; turns--) await new Promise(setImmediate);
        const middle = (start + end) >> 1;
        yield bytes.subarray(start, middle);
        if (state % 5 === 0 && ++counts.cuts > 0) throw new ClusterError("unavailable", "cut");
        yield bytes.subarray(middle, end);
      } finally {
        counts.now--;
      }
    },
    pause: async () => {},
    nowMs: () => performance.now(),
    name: "it",
  };
}

test("readers that share lanes read all of it, and no more ranges at once than those", async () => {
  const counts = { now: 0, most: 0, cuts: 0 };
  const source = sourceOf(counts);
  const lanes = new Lanes(0);
  const readers = [0, 1_000_000, 2_500_000].map(async (start) => {
    const read = await bytesIn(readInRanges(source, { start, end: bytes.length }, { lanes }));
    return same(read, bytes.subarray(start));
  });
  assert.deepEqual(await Promise.all(readers), [true, true, true]);
  assert.ok(counts.most <= 16, `${counts.most} at once`);
  assert.ok(counts.cuts > 0);
  assert.deepEqual([counts.now, lanes.running], [0, 0]);
});

test("a reader that stops gives its lanes back, and another goes on", async () => {
  const counts = { now: 0, most: 0, cuts: 0 };
  const source = sourceOf(counts);
  const lanes = new Lanes(0);
  const stopped = readInRanges(source, { start: 0, end: bytes.length }, { lanes });
  await stopped.next();
  const other = bytesIn(readInRanges(source, { start: 0, end: 1_500_000 }, { lanes }));
  await stopped.return();
  assert.ok(same(await other, bytes.subarray(0, 1_500_000)));
});
