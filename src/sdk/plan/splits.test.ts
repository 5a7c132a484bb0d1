/** How files become splits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutSplits } from "./splits.ts";

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
