/** C9: the loop's time when the wall clock was wrong at a start, or is corrected while it runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { saveState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import { emptyLog, type LogContents, openMemoryLog } from "../../store/log/memory.ts";
import { AttemptHistory } from "../jobs/attempt-history.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { decodeRecord, replay } from "./journal.ts";
import { Loop, type LoopOptions } from "./loop.ts";
import { followWallClock } from "./wall.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const yearMs = 365 * dayMs;
const todayMs = 1_700_000_000_000;

async function open(contents: LogContents, wallMs: number, own?: LoopOptions["log"]) {
  const timers = new ManualTimers(wallMs);
  const onFatal = (error: Error) => assert.ifError(error);
  const log = own ?? openMemoryLog(contents);
  const loop = await Loop.start({ log, timers, perform: () => {}, onFatal });
  return { loop, timers };
}

function issue(loop: Loop, id: string) {
  const expiresAtMs = loop.nowMs() + hourMs;
  const terms = { role: "submitter", owner: "ann", hash: id, usesMax: 0 } as const;
  return loop.post({ kind: "token-issued", id, expiresAtMs, ...terms });
}

async function events(contents: LogContents): Promise<CoordinatorEvent[]> {
  const all: CoordinatorEvent[] = [];
  for await (const record of openMemoryLog(contents).read(0)) all.push(decodeRecord(record));
  return all;
}

async function assertReplays(loop: Loop, contents: LogContents): Promise<void> {
  const again = await replay(openMemoryLog(structuredClone(contents)));
  assert.deepEqual(saveState(again.state), saveState(loop.state));
  assert.equal(again.atMs, loop.state.atMs);
}

test("C9: after one start a year ahead, the next start has the right time again", async () => {
  const contents = emptyLog();
  const one = await open(contents, todayMs);
  await issue(one.loop, "a");
  const wrong = await open(contents, todayMs + yearMs);
  assert.equal(wrong.loop.nowMs(), todayMs + yearMs);
  await issue(wrong.loop, "b");
  wrong.timers.pass(hourMs);
  await issue(wrong.loop, "c");
  const right = await open(contents, todayMs + 2 * hourMs);
  assert.equal(right.loop.nowMs(), todayMs + 2 * hourMs);
  assert.equal(right.loop.steadyMs(), right.loop.nowMs());
  assert.equal(right.loop.startedAtMs, right.loop.nowMs());
  await issue(right.loop, "d");
  const expiries = [...right.loop.state.tokens.values()].map(({ expiresAtMs }) => expiresAtMs);
  assert.deepEqual(
    expiries.map((ms) => (ms - todayMs) / hourMs),
    [1, 2, 3, 3],
  );
  await assertReplays(right.loop, contents);
  const again = await open(contents, todayMs + 3 * hourMs);
  assert.equal(again.loop.nowMs(), todayMs + 3 * hourMs);
});

test("C9: the time follows the wall clock that is set right while it runs", async () => {
  const contents = emptyLog();
  await open(contents, todayMs);
  const { loop, timers } = await open(contents, todayMs + yearMs);
  const stop = followWallClock(loop, timers);
  const early = issue(loop, "early");
  timers.setWallMs(todayMs + 10_000);
  timers.pass(10_000);
  assert.equal(loop.nowMs(), todayMs + 10_000);
  assert.equal(loop.steadyMs(), todayMs + yearMs + 10_000);
  const late = issue(loop, "late");
  await Promise.all([early, late]);
  const expiries = [...loop.state.tokens.values()].map(({ expiresAtMs }) => expiresAtMs);
  assert.deepEqual(expiries, [todayMs + hourMs, todayMs + hourMs + 10_000]);
  assert.equal(loop.state.atMs, todayMs + 10_000);
  const [, , first, correction, last] = await events(contents);
  assert.equal(correction?.kind, "clock-corrected");
  assert.ok(first!.atMs <= correction!.atMs && last!.atMs === correction!.atMs - yearMs);
  await assertReplays(loop, contents);
  stop();
});

test("C9: a correction that a full disk refuses is made once there is room", async () => {
  const contents = emptyLog();
  await open(contents, todayMs);
  let isFull = false;
  const log = openMemoryLog(contents);
  const append: typeof log.append = async (...args) => {
    if (isFull) throw new ClusterError("storage-full", "no room");
    return await log.append(...args);
  };
  const { loop, timers } = await open(contents, todayMs + yearMs, { ...log, append });
  isFull = true;
  timers.setWallMs(todayMs);
  loop.followWall();
  await assert.rejects(loop.confirm(), { code: "storage-full" });
  assert.equal(loop.nowMs(), todayMs + yearMs);
  isFull = false;
  loop.followWall();
  await loop.confirm();
  assert.equal(loop.nowMs(), todayMs);
  await assertReplays(loop, contents);
});

test("C9: a real pause of three days is a jump that stays", async () => {
  const contents = emptyLog();
  await open(contents, todayMs);
  const { loop, timers } = await open(contents, todayMs + 3 * dayMs);
  timers.setWallMs(todayMs + 3 * dayMs - hourMs / 2);
  loop.followWall();
  await loop.confirm();
  assert.equal(loop.nowMs(), todayMs + 3 * dayMs);
});

test("C9: attempts in the timeline take no longer, and lie where their job does", async () => {
  const history = new AttemptHistory();
  const see = (event: unknown, effects: unknown[] = []) =>
    history.see(event as CoordinatorEvent, effects as never);
  const submitted = (job: string, atMs: number) =>
    see({ kind: "job-submitted", atMs }, [
      { kind: "reply", value: { job } },
      { kind: "assign", job, stage: 0, worker: "w-1", attempts: [{ task: 0, attempt: 1 }] },
    ]);
  submitted("j-1", todayMs);
  see({ kind: "coordinator-started", epoch: 2, aheadMs: yearMs, atMs: todayMs + yearMs });
  submitted("j-2", todayMs + yearMs + 5);
  assert.equal(history.attempts("j-2", 0, todayMs + yearMs + 7)?.originMs, todayMs + yearMs + 5);
  see({ kind: "clock-corrected", byMs: yearMs, atMs: todayMs + yearMs + 9 });
  for (const [job, fromMs] of [
    ["j-1", 0],
    ["j-2", 5],
  ] as const) {
    const known = history.attempts(job, 0, todayMs + 20);
    assert.equal(known?.originMs, todayMs + fromMs);
    // stage, task, attempt, worker, begin, length, outcome
    assert.deepEqual(known?.running.slice(4, 6), [0, 20 - fromMs]);
  }
});
