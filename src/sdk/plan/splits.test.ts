/** How files become splits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutSplits } from "./splits.ts";

test("a file that is a little longer than some splits is cut into so many", () => {
  const sizes = (sizeBytes: number, most?: number) =>
    cutSplits([{ input: "default", sizeBytes, mayCut: true, mayPack: true }], 100, most).map(
      ({ pieces }) => pieces[0]![2] - pieces[0]![1],
    );
  assert.deepEqual(sizes(401), [80, 80, 81, 80, 80]);
  assert.deepEqual(sizes(401, 110), [100, 101, 100, 100]);
  assert.deepEqual(sizes(110, 110), [110]);
  assert.deepEqual(sizes(111, 110), [56, 55]);
});

test("tiny files make tasks by their number, too", () => {
  const file = { input: "default", sizeBytes: 30, mayCut: true, mayPack: true };
  const files = Array.from({ length: 10_000 }, () => file);
  const splits = cutSplits(files, 64 * 1024 * 1024);
  assert.deepEqual(
    splits.map(({ pieces }) => pieces.length),
    [4_096, 4_096, 1_808],
  );
  assert.deepEqual(
    splits.flatMap(({ pieces }) => pieces.map(([index]) => index)),
    files.map((_, i) => i),
  );
});
