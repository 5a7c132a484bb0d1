/** What is sent ahead covers the way to far workers, in simulated time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listTimeMs } from "../../sim/latency.ts";

test("N6: short tasks over a round trip of 80 ms reach nine tenths of a LAN's rate", async (t) => {
  const list = { seed: 1, tasks: 1_000, meanMs: 20 };
  const nearMs = await listTimeMs({ ...list, rttMs: 0.4 });
  const farMs = await listTimeMs({ ...list, rttMs: 80 });
  t.diagnostic(`1,000 tasks of 20 ms on six slots: ${nearMs} ms near, ${farMs} ms far`);
  // The way there and back at the beginning and at the end is paid once, however long the list.
  assert.ok(farMs - 2 * 80 <= nearMs / 0.9, `${farMs} ms against ${nearMs} ms`);
});
