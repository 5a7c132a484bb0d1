/** Which source is asked for which pieces: order, rarity, endgame, and released pieces. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bits } from "./bits.ts";
import { Schedule } from "./schedule.ts";

const everything = (count: number) => [{ first: 0, count }];

function scheduleOf(count: number): Schedule {
  return new Schedule(new Bits(count), () => 0);
}

test("sources that have everything are asked in the order of the file, each piece once", () => {
  const schedule = scheduleOf(10);
  for (const name of ["a", "b"]) schedule.setSource(name, everything(10));
  assert.deepEqual(schedule.take("a", 4), { first: 0, count: 4 });
  assert.deepEqual(schedule.take("b", 4), { first: 4, count: 4 });
  assert.deepEqual(schedule.take("a", 4), { first: 8, count: 2 });
  assert.equal(schedule.openCount, 0);
});

test("the rarest pieces come first when sources have only parts", () => {
  const schedule = scheduleOf(8);
  schedule.setSource("seed", everything(8));
  schedule.setSource("b", [{ first: 0, count: 5 }]);
  schedule.setSource("c", [{ first: 0, count: 6 }]);
  assert.deepEqual(schedule.take("seed", 8), { first: 6, count: 2 });
  assert.deepEqual(schedule.take("c", 8), { first: 5, count: 1 });
  assert.deepEqual(schedule.take("b", 8), { first: 0, count: 5 });
  assert.equal(schedule.hasAll("b"), false);
  schedule.setSource("b", everything(8));
  assert.equal(schedule.hasAll("b"), true);
});

test("pieces of a source that leaves are asked of others; done ones are not", () => {
  const schedule = scheduleOf(6);
  schedule.setSource("a", everything(6));
  schedule.setSource("b", everything(6));
  schedule.take("a", 6);
  assert.ok(schedule.finish(0));
  assert.equal(schedule.finish(0), false);
  schedule.dropSource("a");
  assert.deepEqual(schedule.take("b", 6), { first: 1, count: 5 });
  schedule.release("b", { first: 1, count: 5 });
  assert.deepEqual(schedule.take("b", 2), { first: 1, count: 2 });
});

test("in the endgame a second source is asked from the end, and no third", () => {
  const schedule = scheduleOf(6);
  for (const name of ["slow", "fast", "third"]) schedule.setSource(name, everything(6));
  assert.deepEqual(schedule.take("slow", 6), { first: 0, count: 6 });
  assert.deepEqual(schedule.take("fast", 6), { first: 2, count: 4 });
  assert.deepEqual(schedule.take("third", 6), { first: 0, count: 2 });
  assert.equal(schedule.take("third", 6), null);
  for (let piece = 0; piece < 6; piece++) schedule.finish(piece);
  assert.ok(schedule.isComplete);
  assert.equal(schedule.take("fast", 6), null);
});

test("nothing is asked of a source that has none of the missing pieces", () => {
  const schedule = scheduleOf(4);
  schedule.setSource("part", [{ first: 0, count: 1 }]);
  assert.deepEqual(schedule.take("part", 4), { first: 0, count: 1 });
  schedule.finish(0);
  assert.equal(schedule.take("part", 4), null);
  assert.equal(schedule.take("unknown", 4), null);
});
