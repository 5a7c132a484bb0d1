/** Attempts are assigned to lanes, and lanes are drawn as pixels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attempts } from "../../wire/api/attempts.ts";
import { niceStep } from "./board.ts";
import { TimelineModel } from "./model.ts";
import { type Colours, paint, pixelOf } from "./paint.ts";
import { rates } from "./rates.ts";

const answer = (ended: number[][], running: number[][] = [], next = ended.length): Attempts => ({
  originMs: 1,
  partial: false,
  next,
  more: false,
  ended: ended.flat(),
  running: running.flat(),
});

test("attempts that overlap on one worker lie in lanes of their own", () => {
  const model = new TimelineModel();
  const ended = [
    [0, 0, 1, 1, 0, 10, 1],
    [0, 1, 1, 1, 0, 12, 1],
    [0, 2, 1, 1, 10, 10, 2],
    [0, 3, 1, 2, 0, 20, 3],
  ];
  model.take(answer(ended));
  assert.deepEqual(
    model.lanes.map(({ count, worker }) => [worker, count]),
    [
      [1, 2],
      [1, 1],
      [2, 1],
    ],
  );
  assert.deepEqual(model.tally, { done: 2, failed: 1, lost: 1, stopped: 0, backups: 0 });
  assert.equal(model.next, 4);
});

test("after a restart of the coordinator the history is loaded again", () => {
  const model = new TimelineModel();
  model.take(answer([[0, 0, 1, 1, 0, 10, 1]], [], 50));
  model.take(answer([[0, 5, 1, 3, 0, 10, 1]], [], 1));
  assert.deepEqual(
    model.lanes.map(({ worker }) => worker),
    [3],
  );
});

test("a report of many attempts is a batch in each slot, one after the other", () => {
  const model = new TimelineModel();
  const ended = Array.from({ length: 100 }, (_, task) => [0, task, 1, 7, 960, 40, 1]);
  model.take({ ...answer(ended), slots: [7, 4] });
  assert.deepEqual(
    model.lanes.map(({ count, lastMs, worker }) => [worker, count, lastMs]),
    [1, 2, 3, 4].map(() => [7, 25, 1_000]),
  );
  for (const lane of model.lanes) {
    for (let at = 1; at < lane.count; at++) {
      assert.equal(lane.from[at], lane.from[at - 1]! + lane.length[at - 1]!);
    }
  }
});

test("a worker runs as many as it has slots; the others wait, and fill no lane", () => {
  const model = new TimelineModel();
  const done = [[0, 0, 1, 7, 100, 400, 1]];
  const running = Array.from({ length: 50 }, (_, task) => [0, task + 1, 1, 7, 0, 900, 0]);
  model.take({ ...answer(done, running), slots: [7, 2] });
  assert.equal(model.lanes.length, 2);
  assert.equal(model.waitingCount, 48);
  const spans = model.running.map(({ bar }) => [bar.fromMs, bar.lengthMs]);
  assert.deepEqual(spans, [
    [500, 400],
    [0, 900],
  ]);
});

test("what was lost with a worker hides nothing that it had done", () => {
  const model = new TimelineModel();
  const lost = Array.from({ length: 9 }, (_, task) => [0, task + 1, 1, 7, 0, 800, 3]);
  model.take({ ...answer([[0, 0, 1, 7, 0, 700, 1], ...lost]), slots: [7, 1] });
  const [lane] = model.lanes;
  assert.deepEqual([model.lanes.length, lane?.from[1], lane?.length[1]], [1, 700, 100]);
  assert.equal(model.tally.lost, 9);
});

test("the throughput has whole intervals only", () => {
  const model = new TimelineModel();
  const ended = Array.from({ length: 21 }, (_, n) => [0, n, 1, 1, n * 100, 100, 1]);
  model.take(answer(ended, [[0, 21, 1, 1, 2_100, 150, 0]]));
  const [times, done] = rates(model, 1);
  assert.deepEqual(done, [8, 10, 10, 10], "of 2.25 s, four times half a second");
  assert.equal(times?.length, 4);
  const over = new TimelineModel();
  over.take(answer(ended));
  assert.deepEqual(
    rates(over, 1)[1]!.reduce((sum, rate) => sum + rate, 0) * (2_100 / 4_000),
    21,
    "nothing of a job that is over is left out",
  );
});

const colours: Colours = {
  stages: [pixelOf("#0000ff")],
  failed: pixelOf("#f00"),
  lost: pixelOf("#000000"),
  stopped: pixelOf("#888888"),
  ground: pixelOf("#ffffff"),
  stripe: pixelOf("#ffffff"),
};

test("bars have the colour of their stage, and a failure narrower than a pixel is visible", () => {
  const model = new TimelineModel();
  model.take(
    answer([
      [0, 0, 1, 1, 0, 500, 1],
      [0, 1, 1, 1, 700, 1, 2],
    ]),
  );
  const pixels = new Uint32Array(10 * 4);
  paint(pixels, model, { fromMs: 0, toMs: 1_000, width: 10, laneHeight: 4 }, colours);
  assert.equal(pixels[2], pixelOf("#0000ff"));
  assert.equal(pixels[7], pixelOf("#ff0000"));
  assert.equal(pixels[9], pixelOf("#ffffff"));
});

test("bars that follow each other leave no gaps, however narrow they are", () => {
  for (const lengthMs of [7, 15, 33, 90]) {
    const model = new TimelineModel();
    const count = Math.floor(1_000 / lengthMs);
    model.take(
      answer(Array.from({ length: count }, (_, n) => [0, n, 1, 1, n * lengthMs, lengthMs, 1])),
    );
    const pixels = new Uint32Array(100 * 4);
    paint(pixels, model, { fromMs: 0, toMs: 1_000, width: 100, laneHeight: 4 }, colours);
    const gaps = [...pixels.subarray(0, 90)].filter((pixel) => pixel === colours.ground);
    assert.equal(gaps.length, 0, `${lengthMs} ms`);
  }
});

test("a hundred thousand bars are drawn in the time of a few plain fills", (t) => {
  const model = new TimelineModel();
  const ended: number[][] = [];
  for (let n = 0; n < 100_000; n++) {
    ended.push([n % 2, n, 1, 1 + (n % 200), Math.floor(n / 200) * 20, 18, 1]);
  }
  model.take(answer(ended));
  assert.equal(model.lanes.length, 200);
  const pixels = new Uint32Array(1_200 * 200 * 3);
  const two = { ...colours, stages: [pixelOf("#0000ff"), pixelOf("#ff8800")] };
  const cpuUs = (work: () => void) => {
    const before = process.threadCpuUsage();
    work();
    return process.threadCpuUsage(before).user;
  };
  // Sums: the system may count in ticks that are longer than one of them takes.
  let [paintUs, fillUs] = [0, 0];
  for (let n = 0; n < 30; n++) {
    const view = { fromMs: n * 100, toMs: 10_000, width: 1_200, laneHeight: 3 };
    paintUs += cpuUs(() => paint(pixels, model, view, two));
    // As many pixels, bar by bar: the same machine, as busy, does both in turns.
    fillUs += cpuUs(() => ended.forEach((_, i) => void pixels.fill(i, i * 7, i * 7 + 7)));
  }
  const ratio = paintUs / Math.max(1, fillUs);
  t.diagnostic(`${(paintUs / 30_000).toFixed(1)} ms, ${ratio.toFixed(1)} x the fills`);
  assert.ok(ratio < 20, `${paintUs} µs against ${fillUs} µs`);
});

test("the time axis has round values", () => {
  assert.deepEqual([3, 40, 1_100, 45_000].map(niceStep), [5, 50, 2_000, 60_000]);
});
