/** What `Math.random` of job code draws. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { random, startRandom } from "./random.ts";

function drawn(seed: string, stage: string, task: number, count = 3): number[] {
  startRandom(seed, stage, task);
  return Array.from({ length: count }, () => random());
}

test("equal seed, stage and task draw the same numbers, whatever was drawn before", () => {
  const first = drawn("a", "map", 7);
  drawn("b", "run", 1, 100);
  assert.deepEqual(drawn("a", "map", 7), first);
  // Fixed for all versions, so that a result of last year can be reproduced.
  assert.deepEqual(first, [0.1876412008354219, 0.8084423042764978, 0.29935211256590977]);
});

test("another seed, stage or task draws other numbers", () => {
  const all = [
    ...[drawn("", "map", 0), drawn("1", "map", 0), drawn("", "reduce", 0), drawn("", "run", 0)],
    ...Array.from({ length: 1_000 }, (_, task) => drawn("", "map", task + 1)),
  ];
  assert.equal(new Set(all.flat()).size, 3 * all.length);
});

test("numbers are uniform: first draws of many tasks, and many draws of one", () => {
  const count = 20_000;
  const first = Array.from({ length: count }, (_, task) => drawn("", "run", task, 1)[0] as number);
  for (const numbers of [first, drawn("x", "run", 3, count)]) {
    const bins = new Array<number>(16).fill(0);
    for (const number of numbers) {
      assert.ok(number >= 0 && number < 1);
      bins[Math.floor(number * 16)]!++;
    }
    const expected = count / 16;
    const chi = bins.reduce((sum, bin) => sum + (bin - expected) ** 2 / expected, 0);
    // With 15 degrees of freedom less than one in ten thousand is above this.
    assert.ok(chi < 44, `chi² ${chi}`);
  }
});
