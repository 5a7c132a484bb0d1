/** Repairs the cluster's time when a wall clock was wrong.
 *
 *  A start whose wall clock is a day or more ahead of the newest record is either a long pause or a
 *  wrong clock; the core cannot tell which. So it remembers the jump, and:
 *
 *  1. What was going on (leases, their deadlines, charges) moves with the jump: the skipped time
 *     does not count as running time.
 *  2. Tokens that expire in the jump are refused, but kept for `heldMs`.
 *  3. When the wall clock is found back, every time that was taken since the jump moves back by the
 *     same amount, and what was going on with it. The newest jump is undone first, and no time
 *     moves to before the jump: the order of all that happened stays as it is. */
import { assert } from "../error.ts";
import type { RemovedJob } from "./retention/retained.ts";
import type { ClockJump, CoordinatorState, JobRecord } from "./state.ts";

/** A start this far ahead of the newest record, in ms, is remembered as a jump. */
export const jumpMinMs = 86_400_000;
/** A wall clock that is back by less than this, in ms, is waited for. */
export const backMinMs = 3_600_000;
/** How long tokens that expired in a jump are kept, in ms since the jump. */
export const heldMs = 30 * 86_400_000;
/** Jumps that are remembered; the oldest is forgotten first. */
const jumpsMax = 16;

/** A start found the wall clock `aheadMs` ahead; the state has its new time already. */
export function rememberJump(state: CoordinatorState, aheadMs: number): void {
  const { atMs, deadlines, jumps } = state;
  jumps.push({ fromMs: atMs - aheadMs, toMs: atMs, deadlines: deadlines.enteredCount });
  if (jumps.length > jumpsMax) jumps.shift();
  moveRunning(state, aheadMs);
  deadlines.move(({ kind }) => (kind === "token" ? 0 : aheadMs));
}

/** How far the cluster's time is to go back to agree with a wall clock, in ms; 0 = not at all. */
export function backBy({ jumps }: CoordinatorState, nowMs: number, wallMs: number): number {
  const most = jumps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const byMs = Math.min(Math.floor(nowMs - wallMs), most);
  return byMs >= backMinMs ? byMs : 0;
}

/** The cluster's time goes back by `byMs`, as `backBy` says. */
export function correctClock(state: CoordinatorState, byMs: number): void {
  let leftMs = byMs;
  while (leftMs > 0) {
    const jump = state.jumps.pop();
    assert(jump !== undefined, `C9: the time goes back by ${leftMs} ms more than it jumped`);
    const partMs = Math.min(leftMs, jump.toMs - jump.fromMs);
    undo(state, jump, partMs);
    leftMs -= partMs;
    const toMs = jump.toMs - partMs;
    if (toMs - jump.fromMs >= backMinMs) state.jumps.push({ ...jump, toMs });
  }
}

/** Until when an expired token is kept for a jump in which it expired; 0 = there is none. */
export function heldUntilMs({ jumps }: CoordinatorState, expiresAtMs: number): number {
  const newest = jumps.findLast(({ fromMs }) => expiresAtMs >= fromMs);
  return newest === undefined ? 0 : newest.toMs + heldMs;
}

function undo(state: CoordinatorState, jump: ClockJump, byMs: number): void {
  const back = (ms: number) => (ms >= jump.toMs ? ms - byMs : ms);
  for (const job of state.jobs.values()) moveJob(job, back);
  for (const worker of state.workers.values()) worker.joinedAtMs = back(worker.joinedAtMs);
  const { retained } = state;
  retained.ageFromMs = back(retained.ageFromMs);
  moveRemoved(retained.keyed, back);
  moveRemoved(retained.unkeyed, back);
  moveRunning(state, -byMs);
  state.deadlines.move(({ kind, order }) =>
    kind !== "token" || order >= jump.deadlines ? -byMs : 0,
  );
  state.atMs -= byMs;
  state.startedAtMs = back(state.startedAtMs);
  moveTokens(state, jump, byMs);
}

function moveJob(job: JobRecord, back: (ms: number) => number): void {
  job.submittedAtMs = back(job.submittedAtMs);
  job.endedAtMs = back(job.endedAtMs);
  for (const { tally } of job.stages) {
    tally.startedAtMs = back(tally.startedAtMs);
    tally.endedAtMs = back(tally.endedAtMs);
  }
}

function moveRemoved(removed: Map<number, RemovedJob>, back: (ms: number) => number): void {
  for (const [number, one] of removed) {
    const [endedAtMs, removedAtMs] = [back(one.endedAtMs), back(one.removedAtMs)];
    removed.set(number, { ...one, endedAtMs, removedAtMs });
  }
}

/** An expiry says nothing of when it was chosen: tokens have the time of their issue. */
function moveTokens(state: CoordinatorState, { toMs }: ClockJump, byMs: number): void {
  for (const token of state.tokens.values()) {
    if ((token.issuedAtMs ?? 0) >= toMs) {
      token.issuedAtMs = (token.issuedAtMs as number) - byMs;
      if (token.expiresAtMs !== 0) token.expiresAtMs -= byMs;
    } else if (token.expiresAtMs > state.atMs) {
      // It is good again; its deadline may be over.
      const atMs = token.expiresAtMs + jumpMinMs;
      state.deadlines.add({ kind: "token", atMs, token: token.id });
    }
  }
}

/** What is measured from its beginning until now. */
function moveRunning(state: CoordinatorState, byMs: number): void {
  for (const worker of state.workers.values()) {
    if (worker.pause !== null && worker.pause.untilMs > 0) {
      worker.pause = { ...worker.pause, untilMs: worker.pause.untilMs + byMs };
    }
    for (const [job, unfit] of worker.unfit ?? []) {
      const { sinceMs, untilMs } = unfit;
      worker.unfit?.set(job, { ...unfit, sinceMs: sinceMs + byMs, untilMs: untilMs + byMs });
    }
    for (const lease of worker.leases) {
      lease.assignedAtMs += byMs;
      if (lease.startedAtMs > 0) lease.startedAtMs += byMs;
      if (lease.accruesFromMs > 0) lease.accruesFromMs += byMs;
    }
  }
  for (const owner of state.shares.owners.values()) owner.share.sinceMs += byMs;
  for (const number of state.active) (state.jobs.get(number) as JobRecord).share.sinceMs += byMs;
}
