/** A map by attempt beside one by the attempts' names. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AttemptRef, attemptKey } from "../ids.ts";
import { Random } from "../random.ts";
import { AttemptMap } from "./attempt-map.ts";

test("it holds what a map by the attempts' names would", () => {
  const random = new Random(7);
  const ours = new AttemptMap<number>();
  const plain = new Map<string, number>();
  for (let round = 0; round < 5_000; round++) {
    const [job, stage] = [`j-${1 + random.below(3)}`, random.below(2)] as [
      AttemptRef["job"],
      number,
    ];
    const ref = { job, stage, task: random.below(4), attempt: 1 + random.below(3) };
    const key = attemptKey(ref);
    if (random.below(2) === 0) {
      ours.set(ref, round);
      plain.set(key, round);
    } else assert.equal(ours.delete(ref), plain.delete(key));
    assert.equal(ours.size, plain.size);
    assert.equal(ours.has(ref), plain.has(key));
    assert.equal(ours.get(ref), plain.get(key));
  }
  assert.deepEqual([...ours.values()].toSorted(), [...plain.values()].toSorted());
});
