/** The pace of transfers over lines of arithmetic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lanesMax, type Pace, paceAfter, rangeMinBytes, startPace } from "./pace.ts";

type Line = {
  readonly rttMs: number;
  readonly bytesPerMs: number;
  readonly laneBytesPerMs: number;
};

/** Sends `sizeBytes` over a line that all lanes share, of which each can take so much; the pace at
 *  the end, and how long it took. */
function sent(line: Line, sizeBytes: number): { readonly pace: Pace; readonly tookMs: number } {
  let pace = startPace(0);
  let nowMs = 0;
  // Rounds in which each lane brings one range.
  for (let left = sizeBytes; left > 0; ) {
    const { lanes, rangeBytes } = pace;
    const each = Math.min(line.laneBytesPerMs, line.bytesPerMs / lanes);
    const tookMs = line.rttMs + rangeBytes / each;
    nowMs += tookMs;
    for (let lane = 0; lane < lanes; lane++) {
      pace = paceAfter(pace, { atMs: nowMs, sizeBytes: rangeBytes, tookMs });
    }
    left -= lanes * rangeBytes;
  }
  return { pace, tookMs: nowMs };
}

test("a lossy line, of which one connection takes a sixth, is filled by more of them", () => {
  const sizeBytes = 20e6;
  const { pace, tookMs } = sent({ rttMs: 80, bytesPerMs: 1250, laneBytesPerMs: 210 }, sizeBytes);
  assert.ok(pace.lanes >= 6, `${pace.lanes} lanes`);
  assert.ok(tookMs < 1.3 * (sizeBytes / 1250), `${tookMs} ms`);
});

test("a line that one connection fills gets few, and ranges that take about a second", () => {
  const { pace } = sent({ rttMs: 20, bytesPerMs: 100, laneBytesPerMs: 100 }, 20e6);
  assert.ok(pace.lanes <= 6, `${pace.lanes} lanes`);
  assert.equal(pace.rangeBytes, rangeMinBytes);
});

test("lanes that bring nothing are given up: they only make each range late", () => {
  let pace = startPace(0);
  // 1,250 bytes/ms in all, however many lanes: they share it from six on.
  for (let nowMs = 0; nowMs < 60_000; ) {
    const { lanes, rangeBytes } = pace;
    const tookMs = (rangeBytes * lanes) / Math.min(1_250, lanes * 210);
    nowMs += tookMs;
    for (let lane = 0; lane < lanes; lane++) {
      pace = paceAfter(pace, { atMs: nowMs, sizeBytes: rangeBytes, tookMs });
    }
  }
  assert.ok(pace.best.lanes >= 5 && pace.best.lanes <= 7, `${pace.best.lanes} lanes`);
});

test("a fast, far line gets long ranges, and is filled in the end", () => {
  const { pace, tookMs } = sent({ rttMs: 80, bytesPerMs: 125_000, laneBytesPerMs: 40_000 }, 1e9);
  assert.ok(pace.lanes <= lanesMax && pace.rangeBytes > rangeMinBytes);
  assert.ok(tookMs < 8_000 * 2.5, `${tookMs} ms`);
});
