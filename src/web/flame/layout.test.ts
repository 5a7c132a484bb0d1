/** The bars of a flame graph, and the keys that move between them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProfileFrame } from "../../wire/api/profile.ts";
import { barsOf, moved } from "./layout.ts";

const frames: readonly ProfileFrame[] = [
  [0, "all", "", 0, 1_000],
  [1, "map", "job.ts:3", 100, 800],
  [2, "walk", "job.ts:9", 500, 500],
  [2, "split", "", 200, 200],
  [1, "tequio", "", 199, 200],
  [2, "tiny", "", 0.5, 0.5],
];
const shown = (zoomed: number) =>
  barsOf(frames, zoomed).map(({ at, width, x }) => [frames[at]![1], x, width]);

test("callees are within their caller, from its left; what is too narrow is left out", () => {
  assert.deepEqual(shown(0), [
    ["all", 0, 1],
    ["map", 0, 0.8],
    ["walk", 0, 0.5],
    ["split", 0.5, 0.2],
    ["tequio", 0.8, 0.2],
  ]);
});

test("an enlarged frame is as wide as all, with its callers above", () => {
  assert.deepEqual(shown(1), [
    ["all", 0, 1],
    ["map", 0, 1],
    ["walk", 0, 0.625],
    ["split", 0.625, 0.25],
  ]);
  assert.deepEqual(shown(4), [
    ["all", 0, 1],
    ["tequio", 0, 1],
    ["tiny", 0, 0.0025],
  ]);
});

test("keys go to callers, callees and neighbours, and stay where there is none", () => {
  const bars = barsOf(frames, 0);
  assert.equal(moved(bars, 0, "ArrowDown"), 1);
  assert.equal(moved(bars, 1, "ArrowDown"), 2);
  assert.equal(moved(bars, 2, "ArrowDown"), 2);
  assert.equal(moved(bars, 2, "ArrowRight"), 3);
  assert.equal(moved(bars, 3, "ArrowUp"), 1);
  assert.equal(moved(bars, 1, "ArrowRight"), 4);
  assert.equal(moved(bars, 4, "ArrowLeft"), 1);
  assert.equal(moved(bars, 0, "ArrowUp"), 0);
  assert.equal(moved(bars, 3, "Home"), 0);
});
