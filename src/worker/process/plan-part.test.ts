/** Large plans reach task processes in parts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../wire/block/plan.ts";
import { isLarge, partOf, sliced, withPart } from "./plan-part.ts";

const files = Array.from({ length: 3_000 }, (_, i) => ({
  name: `f${i}`,
  compression: "none" as const,
  sizeBytes: 30,
  at: { kind: "blob" as const, hash: "00" },
}));
const splits = [0, 1].map((half) => ({
  input: "default",
  pieces: Array.from({ length: 1_500 }, (_, i) => [half * 1_500 + i, 0, 30] as const),
}));
const plan: Plan = {
  version: 1,
  ...{ files, splits, items: null, params: {}, reducers: 1, spillBytes: 1024 },
};

test("a task of a large plan finds its split and its files where the whole plan has them", () => {
  assert.ok(isLarge(plan));
  const shared = sliced(plan);
  assert.ok("text" in shared && shared.text.length < 200);
  const read = withPart(JSON.parse(shared.text) as Plan, 1, partOf(plan, 1));
  assert.deepEqual(read.splits[1], splits[1]);
  assert.equal(read.files[1_499], undefined);
  assert.deepEqual(read.files[2_999], files[2_999]);
});
