/** What is remembered of addresses that could not be reached. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Reach } from "./reach.ts";

test("an address that failed is left for longer each time, and forgotten when it answers", () => {
  const reach = new Reach();
  assert.equal(reach.away("a"), null);
  assert.equal(reach.mayTry("a", 0), false);
  reach.failed("a", "no answer", 1_000);
  assert.equal(reach.away("a"), "no answer");
  assert.deepEqual(
    [30_999, 31_000, 31_001].map((at) => reach.mayTry("a", at)),
    [false, true, false],
  );
  reach.failed("a", "refused", 40_000);
  assert.equal(reach.mayTry("a", 99_999), false);
  assert.equal(reach.mayTry("a", 100_000), true);
  assert.deepEqual(reach.list(), [{ address: "a", why: "refused", sinceMs: 1_000 }]);
  for (let n = 0; n < 50; n++) reach.failed("a", "refused", 0);
  assert.equal(reach.mayTry("a", 600_000), true);
  reach.reached("a");
  assert.equal(reach.away("a"), null);
  reach.failed("a", "no answer", 0);
  assert.equal(reach.mayTry("a", 30_000), true);
});

test("what is remembered has a bound", () => {
  const reach = new Reach();
  for (let n = 0; n < 1_001; n++) reach.failed(`a${n}`, "no answer", n);
  assert.equal(reach.list().length, 1_000);
  assert.equal(reach.away("a0"), null);
  assert.equal(reach.away("a1000"), "no answer");
});
