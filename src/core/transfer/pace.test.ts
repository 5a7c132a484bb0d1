/** The pace of transfers over lines of arithmetic. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../random.ts";
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

type Shared = {
  readonly rttMs: number;
  readonly bytesPerMs: number;
  /** What one lane can take at most, when so much of the file has arrived (0 to 1). */
  laneBytesPerMs(share: number): number;
};

type Flying = {
  readonly begin: number;
  readonly sizeBytes: number;
  readonly sinceMs: number;
  readonly weight: number;
  waitMs: number;
  leftBytes: number;
};

/** Up to the next time that one has waited, or has arrived; how long that took, ms. */
function advance(flying: readonly Flying[], bytesPerMs: number, laneMax: number): number {
  const weights = flying.reduce((sum, { waitMs, weight }) => sum + (waitMs > 0 ? 0 : weight), 0);
  const rateOf = ({ weight }: Flying) => Math.min(laneMax, (weight / weights) * bytesPerMs);
  const restOf = (one: Flying) => (one.waitMs > 0 ? one.waitMs : one.leftBytes / rateOf(one));
  const stepMs = Math.min(...flying.map(restOf));
  for (const one of flying) {
    if (one.waitMs > 0) one.waitMs -= stepMs;
    else one.leftBytes -= rateOf(one) * stepMs;
  }
  return stepMs;
}

/** Sends a file in order, each range by a lane that idles for a round trip first and then has a
 *  share of the line as unequal as connections have. How far the front that is whole falls behind
 *  what has arrived, ms of the line, and how much of the line the second half used. */
function sentUnequally(line: Shared, fileMs: number) {
  const { bytesPerMs, rttMs } = line;
  const fileBytes = fileMs * bytesPerMs;
  const random = new Random(1);
  let pace = startPace(0);
  let flying: Flying[] = [];
  let [nowMs, nextByte, arrivedBytes, lagBytes, halfMs] = [0, 0, 0, 0, 0];
  while (arrivedBytes < fileBytes) {
    while (flying.length < pace.lanes && nextByte < fileBytes) {
      const sizeBytes = Math.min(pace.rangeBytes, fileBytes - nextByte);
      const weight = 1 + (3 * random.next()) / 2 ** 32;
      const times = { sinceMs: nowMs, waitMs: rttMs };
      flying.push({ begin: nextByte, sizeBytes, weight, leftBytes: sizeBytes, ...times });
      nextByte += sizeBytes;
    }
    nowMs += advance(flying, bytesPerMs, line.laneBytesPerMs(arrivedBytes / fileBytes));
    for (const { leftBytes, sinceMs, sizeBytes } of flying) {
      if (leftBytes > 1e-6) continue;
      arrivedBytes += sizeBytes;
      pace = paceAfter(pace, { atMs: nowMs, sizeBytes, tookMs: nowMs - sinceMs });
    }
    flying = flying.filter(({ leftBytes }) => leftBytes > 1e-6);
    if (halfMs === 0 && arrivedBytes > fileBytes / 2) halfMs = nowMs;
    const partial = flying.reduce((sum, one) => sum + one.sizeBytes - one.leftBytes, 0);
    const front = flying[0]?.begin ?? nextByte;
    lagBytes = Math.max(lagBytes, arrivedBytes + partial - front);
  }
  return { lagMs: lagBytes / bytesPerMs, used: fileMs / 2 / (nowMs - halfMs) };
}

for (const { bytesPerMs, lagMaxMs, name, rttMs } of [
  { name: "50 Mbit/s, 20 ms", bytesPerMs: 6_250, rttMs: 20, lagMaxMs: 1_750 },
  { name: "10 Mbit/s, 80 ms", bytesPerMs: 1_250, rttMs: 80, lagMaxMs: 1_750 },
  // Sixteen ranges of the smallest size are 1.7 s of it.
  { name: "5 Mbit/s, 40 ms", bytesPerMs: 625, rttMs: 40, lagMaxMs: 2_500 },
]) {
  test(`the front of a file is whole soon after it has arrived: ${name}`, () => {
    const line = { bytesPerMs, rttMs, laneBytesPerMs: () => bytesPerMs };
    const { lagMs, used } = sentUnequally(line, 32_000);
    assert.ok(lagMs < lagMaxMs, `${lagMs.toFixed(0)} ms of the line`);
    assert.ok(used > 0.9, `${used.toFixed(2)} of the line`);
  });
}

test("lanes that bring less, since the other direction is full now, become more", () => {
  const laneBytesPerMs = (share: number) => (share < 0.25 ? 300 : 120);
  const { used } = sentUnequally({ bytesPerMs: 1_250, rttMs: 80, laneBytesPerMs }, 32_000);
  assert.ok(used > 0.85, `${used.toFixed(2)} of the line`);
});
