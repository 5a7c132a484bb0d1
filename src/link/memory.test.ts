/** Links inside one process: the conformance tests, and what a simulation needs of them. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { linkConformance } from "../../test/conformance/register.ts";
import { memoryLinkPair } from "./memory.ts";

linkConformance("memory", async (limits) => ({ ends: memoryLinkPair(limits) }));

it("a scheduler that reorders deliveries does not reorder frames", () => {
  const deliveries: Array<() => void> = [];
  const [first, second] = memoryLinkPair({ schedule: (deliver) => deliveries.push(deliver) });
  const got: number[] = [];
  second.onFrame((frame) => got.push(frame[0]!));
  for (const n of [1, 2, 3]) first.send(Uint8Array.of(n));
  assert.equal(first.pendingBytes(), 3);
  for (const deliver of deliveries.reverse()) deliver();
  assert.deepEqual(got, [1, 2, 3]);
  assert.equal(first.pendingBytes(), 0);
});
