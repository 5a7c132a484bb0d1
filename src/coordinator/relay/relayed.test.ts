/** Who could not be reached by whom. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Relayed } from "./relayed.ts";

test("pairs are counted together, and forgotten after ten minutes", () => {
  let nowMs = 0;
  const relayed = new Relayed(() => nowMs);
  assert.equal(relayed.of("w-1"), null);
  relayed.add("w-1", "w-2", 100);
  relayed.add("w-1", "w-2", 1);
  nowMs = 400_000;
  relayed.add("w-1", "w-3", 10);
  assert.deepEqual(relayed.of("w-1"), { by: ["w-2", "w-3"], count: 2, relayedBytes: 111 });
  nowMs = 700_000;
  assert.deepEqual(relayed.of("w-1"), { by: ["w-3"], count: 1, relayedBytes: 10 });
  assert.deepEqual(relayed.holders(), ["w-1"]);
  nowMs = 1_100_000;
  assert.deepEqual(relayed.holders(), []);
});
