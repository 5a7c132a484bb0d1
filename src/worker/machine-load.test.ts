/** How a worker measures its machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CpuTime, watchLoad } from "./machine-load.ts";

test("the share of the last interval is reported when it has moved", () => {
  const times: CpuTime[] = [
    { busyMs: 100, allMs: 1_000 },
    { busyMs: 1_100, allMs: 3_000 },
    { busyMs: 2_120, allMs: 5_000 },
    { busyMs: 2_120, allMs: 5_000 },
    { busyMs: 2_120, allMs: 7_000 },
  ];
  const shares: number[] = [];
  let fire = () => {};
  let isCancelled = false;
  const timers = {
    after(_: number, next: () => void) {
      fire = next;
      return () => {
        isCancelled = true;
      };
    },
  };
  const end = watchLoad(
    timers,
    (share) => shares.push(share),
    () => times.shift()!,
  );
  for (let i = 0; i < 4; i++) fire();
  // A half; 0.51, which is no news; a clock that stands still; idle.
  assert.deepEqual(shares, [0.5, 0]);
  end();
  assert.ok(isCancelled);
});
