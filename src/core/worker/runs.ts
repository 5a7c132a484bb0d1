/** Attempts on slots: queue, batches, deadlines, aborts, and who is to blame when a process
 *  dies. */
import type { AttemptRef, JobId } from "../ids.ts";
import type { Failure } from "../job.ts";
import { isSettled, putReport, putReturned, settle } from "./reports.ts";
import type { Held, Run, WorkerEffect, WorkerEvent, WorkerState } from "./state.ts";

type EventOf<K extends WorkerEvent["kind"]> = Extract<WorkerEvent, { kind: K }>;

/** Takes what is new. What is known already (a message that came twice) is ignored; what cannot be
 *  run here (no such job, shutting down, queue full) is given back. */
export function assigned(state: WorkerState, event: EventOf<"assigned">): void {
  for (const ref of event.attempts) {
    if (state.held.has(ref) || isSettled(state, ref)) continue;
    const { timeoutMs } = event;
    const held: Held = {
      ref,
      timeoutMs,
      state: "queued",
      alone: false,
      startedAtMs: 0,
      report: null,
    };
    state.held.set(ref, held);
    const kind = state.jobs.get(ref.job)?.kinds[ref.stage];
    const full = state.held.size > state.rules.queueMax;
    if (kind === undefined || state.stop !== null || full) putReturned(state, held, event.atMs);
    else state.queue.push(held);
  }
}

/** A queued attempt leaves the queue; a running one takes its process with it, and what else that
 *  process had to do goes back to the head of the queue. */
export function aborted(
  state: WorkerState,
  event: EventOf<"aborted">,
  effects: WorkerEffect[],
): void {
  for (const ref of event.attempts) {
    const held = state.held.get(ref);
    if (held === undefined || held.state === "reported") continue;
    const run = held.state === "running" ? runOf(state, held) : null;
    putReturned(state, held, event.atMs);
    if (run !== null) endRun(state, run, effects);
  }
}

/** What waits goes back; what a process has been given stays. */
export function askedBack(state: WorkerState, event: EventOf<"asked-back">): void {
  for (const ref of event.attempts) {
    const held = state.held.get(ref);
    if (held?.state === "queued") putReturned(state, held, event.atMs);
  }
}

export function jobClosed(state: WorkerState, job: JobId, effects: WorkerEffect[]): void {
  for (const held of state.held.values()) {
    if (held.ref.job !== job) continue;
    const run = held.state === "running" ? runOf(state, held) : null;
    forget(state, held);
    if (run !== null) endRun(state, run, effects);
  }
  state.outbox = state.outbox.filter((held) => held.ref.job !== job);
  state.jobs.delete(job);
  effects.push({ kind: "close-job", job });
}

/** Starts what can start: in order of assignment, a slot that knows the job first. */
export function dispatch(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  if (state.stop !== null || state.pausedFor !== "") return;
  let idle = 0;
  for (const slot of state.slots) if (slot.run === null) idle += 1;
  while (idle > 0 && !waitsForLonger(state, atMs)) {
    const first = takeQueued(state, null);
    if (first === null) return;
    const attempts = [first];
    const size = batchSize(state, first, idle);
    while (attempts.length < size) {
      const next = takeQueued(state, first.ref);
      if (next === null) break;
      attempts.push(next);
    }
    startRun(state, attempts, atMs, effects);
    idle -= 1;
  }
}

/** Durations vary: an attempt fits when this many times its mean does. */
const fitFactor = 1.5;

/** Whether a slot is idle, and the next attempt would not end before the worker must be gone. One
 *  whose duration is not known yet fits. */
export function waitsForLonger(state: WorkerState, atMs: number): boolean {
  if (state.endsAtMs === Infinity || state.slots.every(({ run }) => run !== null)) return false;
  const next = nextQueued(state);
  if (next === null) return false;
  const meanMs = state.jobs.get(next.ref.job)?.meanMs[next.ref.stage] ?? Number.NaN;
  return atMs + meanMs * fitFactor > state.endsAtMs;
}

function nextQueued(state: WorkerState): Held | null {
  const again = state.again.find((held) => held.state === "queued");
  if (again !== undefined) return again;
  for (let at = state.queueHead; at < state.queue.length; at++) {
    if (state.queue[at]?.state === "queued") return state.queue[at]!;
  }
  return null;
}

function startRun(
  state: WorkerState,
  attempts: readonly Held[],
  atMs: number,
  effects: WorkerEffect[],
): void {
  const { job, stage } = attempts[0]!.ref;
  const slot = chooseSlot(state, job);
  const run: Run = {
    id: state.nextRun++,
    slot,
    job,
    stage,
    attempts,
    phase: "preparing",
    current: 0,
    sinceMs: atMs,
    toldStarted: false,
  };
  for (const held of attempts) {
    held.state = "running";
    held.startedAtMs = atMs;
  }
  state.slots[slot]!.run = run;
  state.slots[slot]!.lastJob = job;
  const refs = attempts.map((held) => held.ref);
  effects.push({ kind: "start", run: run.id, slot, job, stage, attempts: refs });
}

export function runPhase(state: WorkerState, event: EventOf<"run-phase">): void {
  const run = runById(state, event.run);
  if (run === null) return;
  run.phase = event.phase;
  run.sinceMs = event.atMs;
}

export function runReported(state: WorkerState, event: EventOf<"run-reported">): void {
  const run = runById(state, event.run);
  if (run === null) return;
  const meanMs = state.jobs.get(run.job)?.meanMs ?? [];
  let next = run.current;
  for (const report of event.reports) {
    // They come in the order of the batch, unless the process says otherwise.
    let held = run.attempts[next++];
    if (held === undefined || !isOf(held, report)) {
      held = run.attempts.find((one) => isOf(one, report));
    }
    // A process speaks only for what it was given.
    if (held === undefined || held.state !== "running") continue;
    const mean = meanMs[run.stage] ?? Number.NaN;
    const took = Math.max(0, report.durationMs);
    meanMs[run.stage] = Number.isNaN(mean) ? took : mean * 0.8 + took * 0.2;
    putReport(state, held, report, event.atMs);
  }
  advance(run, event.atMs);
  if (run.current >= run.attempts.length) state.slots[run.slot]!.run = null;
}

function isOf({ ref }: Held, report: { readonly task: number; readonly attempt: number }): boolean {
  return ref.task === report.task && ref.attempt === report.attempt;
}

/** A process that dies in a batch proves nothing against any one attempt (what one left behind may
 *  kill the next): those without a report run again, each alone. Alone, it is that attempt's
 *  failure. */
export function runDied(state: WorkerState, event: EventOf<"run-died">): void {
  const run = runById(state, event.run);
  if (run === null) return;
  state.slots[run.slot]!.run = null;
  const left = run.attempts.filter((held) => held.state === "running");
  if (event.blame === "all" || run.attempts.length === 1) {
    for (const held of left) fail(state, held, event.failure, event.atMs);
    return;
  }
  for (const held of left) held.alone = true;
  requeue(state, left);
}

/** Kills what has run past its limit, and reports as started what has run for a while. */
export function runsTime(state: WorkerState, atMs: number, effects: WorkerEffect[]): void {
  for (const { run } of state.slots) {
    if (run === null) continue;
    const held = run.attempts[run.current];
    if (held === undefined) continue;
    if (atMs >= deadlineMs(state, run)) {
      const limit = run.phase === "loading" ? state.rules.loadTimeoutMs : held.timeoutMs;
      const what = run.phase === "loading" ? "the job's code was not loaded" : "it had not ended";
      const message = `it was stopped, since ${what} after ${limit} ms`;
      fail(state, held, { code: "timed-out", message }, atMs);
      endRun(state, run, effects);
    } else if (tellsStarted(state, run) && atMs >= run.sinceMs + state.rules.startedAfterMs) {
      run.toldStarted = true;
      effects.push({ kind: "tell-started", attempt: held.ref });
    }
  }
}

export function runsWakeMs(state: WorkerState): number {
  let wakeMs = Infinity;
  for (const { run } of state.slots) {
    if (run === null) continue;
    wakeMs = Math.min(wakeMs, deadlineMs(state, run));
    if (tellsStarted(state, run)) {
      wakeMs = Math.min(wakeMs, run.sinceMs + state.rules.startedAfterMs);
    }
  }
  return wakeMs;
}

/** Stops all runs and empties the queue without a word: the manager has given these up. */
export function dropEverything(state: WorkerState, effects: WorkerEffect[]): void {
  for (const held of state.held.values()) {
    if (held.state === "queued" || held.state === "running") forget(state, held);
  }
  state.again = [];
  state.queue = [];
  state.queueHead = 0;
  for (const { run } of state.slots) if (run !== null) endRun(state, run, effects);
}

/** Gives back what has not begun; with `running`, also what has. */
export function returnAttempt(
  state: WorkerState,
  running: boolean,
  atMs: number,
  effects: WorkerEffect[],
): void {
  for (const held of state.held.values()) {
    if (held.state === "queued" || (running && held.state === "running")) {
      putReturned(state, held, atMs);
    }
  }
  if (!running) return;
  for (const { run } of state.slots) if (run !== null) endRun(state, run, effects);
}

function endRun(state: WorkerState, run: Run, effects: WorkerEffect[]): void {
  const slot = state.slots[run.slot]!;
  if (slot.run !== run) return;
  slot.run = null;
  effects.push({ kind: "kill", run: run.id, slot: run.slot });
  requeue(
    state,
    run.attempts.filter((held) => held.state === "running"),
  );
}

function requeue(state: WorkerState, attempts: readonly Held[]): void {
  for (const held of attempts) held.state = "queued";
  state.again = [...attempts, ...state.again];
}

function forget(state: WorkerState, held: Held): void {
  held.state = "dropped";
  state.held.delete(held.ref);
  settle(state, held.ref);
}

function fail(state: WorkerState, held: Held, failure: Failure, atMs: number): void {
  const { task, attempt } = held.ref;
  const durationMs = Math.max(0, atMs - held.startedAtMs);
  putReport(state, held, { kind: "failed", task, attempt, durationMs, failure }, atMs);
}

function advance(run: Run, atMs: number): void {
  const before = run.current;
  while (run.attempts[run.current] !== undefined) {
    if (run.attempts[run.current]!.state === "running") break;
    run.current += 1;
  }
  if (run.current === before) return;
  run.sinceMs = atMs;
  run.toldStarted = false;
}

/** The next queued attempt; with `like`, only when it may share a batch with it. */
function takeQueued(state: WorkerState, like: AttemptRef | null): Held | null {
  for (;;) {
    const fromAgain = state.again.length > 0;
    const held = fromAgain ? state.again[0] : state.queue[state.queueHead];
    if (held === undefined) return null;
    if (held.state === "queued" && like !== null) {
      const alike = held.ref.job === like.job && held.ref.stage === like.stage;
      if (!alike || held.alone) return null;
    }
    if (fromAgain) state.again.shift();
    else state.queueHead += 1;
    if (state.queueHead > 1_024 && state.queueHead * 2 > state.queue.length) {
      state.queue = state.queue.slice(state.queueHead);
      state.queueHead = 0;
    }
    if (held.state === "queued") return held;
  }
}

/** As much work as `batchTargetMs`, but never so much that an idle slot would get nothing. */
function batchSize(state: WorkerState, first: Held, idle: number): number {
  const job = state.jobs.get(first.ref.job);
  if (first.alone || job?.kinds[first.ref.stage] !== "tasks") return 1;
  const meanMs = job.meanMs[first.ref.stage] ?? Number.NaN;
  if (Number.isNaN(meanMs)) return 1;
  const queued = 1 + state.again.length + state.queue.length - state.queueHead;
  const byTime = Math.floor(state.rules.batchTargetMs / Math.max(meanMs, 0.001));
  return Math.max(1, Math.min(state.rules.batchMax, byTime, Math.ceil(queued / idle)));
}

function chooseSlot(state: WorkerState, job: JobId): number {
  let chosen = -1;
  for (const [index, slot] of state.slots.entries()) {
    if (slot.run !== null) continue;
    if (slot.lastJob === job) return index;
    const better = slot.lastJob === null || !state.jobs.has(slot.lastJob);
    if (chosen === -1 || (better && state.slots[chosen]!.lastJob !== null)) chosen = index;
  }
  return chosen;
}

function tellsStarted(state: WorkerState, run: Run): boolean {
  return !run.toldStarted && state.relation.state === "joined";
}

function deadlineMs(state: WorkerState, run: Run): number {
  if (run.phase === "loading") return run.sinceMs + state.rules.loadTimeoutMs;
  const timeoutMs = run.attempts[run.current]?.timeoutMs ?? 0;
  return run.phase === "computing" && timeoutMs > 0 ? run.sinceMs + timeoutMs : Infinity;
}

function runById(state: WorkerState, id: number): Run | null {
  for (const { run } of state.slots) if (run?.id === id) return run;
  return null;
}

function runOf(state: WorkerState, held: Held): Run | null {
  for (const { run } of state.slots) if (run?.attempts.includes(held)) return run;
  return null;
}
