/** A ranking gives its members in order, whatever was changed before. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../random.ts";
import { Ranking } from "./ranking.ts";

test("members come by rank, then by number, after any changes", () => {
  const random = new Random(7);
  const ranking = new Ranking();
  const known = new Map<number, number>();
  for (let n = 0; n < 5_000; n++) {
    const member = random.below(60);
    if (random.below(4) === 0) {
      ranking.delete(member);
      known.delete(member);
    } else {
      const rank = random.below(20);
      ranking.set(member, rank);
      known.set(member, rank);
    }
    const [best] = [...known].sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    assert.equal(
      ranking.first((one) => known.get(one) as number),
      best?.[0],
    );
    assert.equal(ranking.size, known.size);
  }
});

test("ranks that have grown since they were set are seen when they come first", () => {
  const ranking = new Ranking();
  for (const member of [1, 2, 3]) ranking.set(member, member);
  const grown = new Map([
    [1, 9],
    [2, 2.5],
    [3, 3],
  ]);
  assert.equal(
    ranking.first((one) => grown.get(one) as number),
    2,
  );
  ranking.delete(2);
  assert.equal(
    ranking.first((one) => grown.get(one) as number),
    3,
  );
});
