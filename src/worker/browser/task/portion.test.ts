/** How much of a portion a tab does at a stretch. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { forAWhile } from "./portion.ts";

/** Each of 10,000 items takes `itemMs`. */
function done(itemMs: number, share: number): number {
  let nowMs = 0;
  let count = 0;
  for (const _ of forAWhile(new Array<null>(10_000).fill(null), share, () => nowMs)) {
    nowMs += itemMs;
    count++;
  }
  return count;
}

test("X3: a tab gives back what takes much longer than was expected", () => {
  assert.equal(done(0.1, 1), 10_000, "a second of work is done as a whole");
  assert.equal(done(100, 1), 41, "four seconds, and the item that passed them");
  assert.equal(done(60_000, 1), 1, "an item is never cut");
});

test("a tab that rests has longer for its work, within limits", () => {
  assert.equal(done(100, 0.5), 81);
  assert.equal(done(100, 0.01), 201, "and not more than twenty seconds");
});
