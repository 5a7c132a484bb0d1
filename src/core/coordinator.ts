/** The coordinator's decisions: one event in, effects out. Pure in the sense that matters: the same
 *  events in the same order give the same state and the same effects, on any machine, at any
 *  time. */

import { forgetToken, issueToken, revokeToken, useToken } from "./access/tokens.ts";
import { admitInputs, missInputs } from "./cluster/arriving.ts";
import { correctClock, rememberJump } from "./cluster/clock.ts";
import { keepHandedOver } from "./cluster/handed-over.ts";
import { cancelJob, removeJob, submitJob } from "./cluster/jobs.ts";
import { makeReady } from "./cluster/leases.ts";
import { schedule } from "./cluster/placement.ts";
import { keepProfile } from "./cluster/profiles.ts";
import { endOverdue, reportAttempts, startAttempts } from "./cluster/reports.ts";
import { markFetched, passRetention, startRetention } from "./cluster/retention/remove.ts";
import { place } from "./cluster/shares.ts";
import { isOpen } from "./cluster/shuffle.ts";
import { giveWantedBackups, startBackups, watchStragglers } from "./cluster/speculation.ts";
import type { CoordinatorState, JobRecord, Stage } from "./cluster/state.ts";
import { startAudits } from "./cluster/trust/audit-start.ts";
import { learnDifference } from "./cluster/trust/difference.ts";
import { recheckJob } from "./cluster/trust/recheck.ts";
import { endUnstarted } from "./cluster/unstarted.ts";
import { measureWorker } from "./cluster/workers/measured.ts";
import { endPause, endRest, pauseWorker, resumeWorker } from "./cluster/workers/pauses.ts";
import { resizeWorker } from "./cluster/workers/resize.ts";
import { joinWorker, loseExisting, loseWorker, startEpoch } from "./cluster/workers.ts";
import type { Effect } from "./effect.ts";
import type { CoordinatorEvent } from "./event.ts";
import { applyMemberEvent } from "./sharing/members.ts";

export { backBy, jumpMinMs } from "./cluster/clock.ts";
export { loadState, saveState } from "./cluster/snapshot.ts";
export { type CoordinatorState, emptyState } from "./cluster/state.ts";

/** Takes one event. Effects are to be performed in order, after the event is in the log. */
export function step(state: CoordinatorState, event: CoordinatorEvent): Effect[] {
  const effects: Effect[] = [];
  const beforeMs = state.atMs;
  state.atMs = Math.max(beforeMs, event.atMs);
  if (event.kind === "coordinator-started") {
    startEpoch(state, event, beforeMs);
    loseExisting(state, effects);
    if (event.aheadMs !== undefined) rememberJump(state, event.aheadMs);
    if (event.trustSeed !== undefined) state.trust.seed = event.trustSeed;
    state.audits.share = event.auditShare ?? 0;
    state.canaries.share = event.canaryShare ?? 0;
    state.trust.isByOwner = event.trustsByOwner === true;
    if (event.retains) startRetention(state, beforeMs);
  } else apply(state, event, effects);
  placeTouched(state);
  giveWantedBackups(state, effects);
  schedule(state, effects);
  startAudits(state, effects);
  // In order of submission, as all that a snapshot must not change.
  for (const number of [...state.touched].sort((a, b) => a - b)) {
    const job = state.jobs.get(number);
    if (job !== undefined && !job.watched) watchStragglers(state, job);
  }
  state.touched.clear();
  return effects;
}

function placeTouched(state: CoordinatorState): void {
  for (const number of state.touched) {
    const job = state.jobs.get(number);
    if (job?.state === "running") place(state, job);
  }
}

/** When a `time-passed` is next needed; Infinity when never. */
export function nextWakeMs(state: CoordinatorState): number {
  return state.deadlines.nextMs();
}

type Later = Exclude<CoordinatorEvent, { kind: "coordinator-started" }>;

function apply(state: CoordinatorState, event: Later, effects: Effect[]): void {
  switch (event.kind) {
    case "job-submitted":
    case "job-cancelled":
    case "job-rechecked":
    case "job-removed":
      changeJobs(state, event, effects);
      break;
    case "inputs-arrived":
    case "inputs-missed":
      learnOfInputs(state, event, effects);
      break;
    case "worker-joined":
      joinWorker(state, event, effects);
      break;
    case "worker-lost":
      loseWorker(state, event, effects);
      break;
    case "worker-paused":
      pauseWorker(state, event, effects);
      break;
    case "worker-resumed":
    case "worker-resized":
    case "worker-measured":
      changeWorker(state, event, effects);
      break;
    case "attempts-started":
      startAttempts(state, event, effects);
      break;
    case "attempts-reported":
      reportAttempts(state, event, effects);
      break;
    case "outputs-compared":
    case "outputs-handed-over":
    case "profile-kept":
    case "results-fetched":
      learnOfResults(state, event, effects);
      break;
    case "retention-passed":
      passRetention(state, event, effects);
      break;
    case "clock-corrected":
      correctClock(state, event.byMs);
      break;
    case "time-passed":
      passTime(state, effects);
      break;
    case "token-issued":
      issueToken(state, event, effects);
      break;
    case "token-used":
      useToken(state, event.id, effects);
      break;
    case "token-revoked":
      revokeToken(state, event, effects);
      break;
    default:
      applyMemberEvent(state.sharing, event, effects);
  }
}

type OfJobs = "job-cancelled" | "job-rechecked" | "job-removed" | "job-submitted";

function changeJobs(
  state: CoordinatorState,
  event: Extract<Later, { kind: OfJobs }>,
  effects: Effect[],
): void {
  if (event.kind === "job-submitted") submitJob(state, event, effects);
  else if (event.kind === "job-cancelled") cancelJob(state, event, effects);
  else if (event.kind === "job-rechecked") recheckJob(state, event, effects);
  else removeJob(state, event, effects);
}

function learnOfInputs(
  state: CoordinatorState,
  event: Extract<Later, { kind: "inputs-arrived" | "inputs-missed" }>,
  effects: Effect[],
): void {
  if (event.kind === "inputs-arrived") admitInputs(state, event);
  else missInputs(state, event, effects);
}

type OfResults = "outputs-compared" | "outputs-handed-over" | "profile-kept" | "results-fetched";

function learnOfResults(
  state: CoordinatorState,
  event: Extract<Later, { kind: OfResults }>,
  effects: Effect[],
): void {
  if (event.kind === "results-fetched") markFetched(state, event.jobs);
  else if (event.kind === "outputs-handed-over") keepHandedOver(state, event);
  else if (event.kind === "profile-kept") keepProfile(state, event, effects);
  else learnDifference(state, event, effects);
}

function changeWorker(
  state: CoordinatorState,
  event: Extract<Later, { kind: "worker-measured" | "worker-resized" | "worker-resumed" }>,
  effects: Effect[],
): void {
  if (event.kind === "worker-resumed") resumeWorker(state, event, effects);
  else if (event.kind === "worker-measured") measureWorker(state, event);
  else resizeWorker(state, event);
}

function passTime(state: CoordinatorState, effects: Effect[]): void {
  for (;;) {
    const due = state.deadlines.takeDue(state.atMs);
    if (due === undefined) return;
    if (due.kind === "pause") endPause(state, due.worker, effects);
    else if (due.kind === "rest") endRest(state, due.worker);
    else if (due.kind === "token") forgetToken(state, due.token);
    if (!("job" in due)) continue;
    const job = state.jobs.get(due.job);
    if (job === undefined || job.state !== "running") continue;
    if (due.kind === "stragglers") startBackups(state, job, effects);
    else if (due.kind === "overdue") endOverdue(state, due, effects);
    else if (due.kind === "unstarted") endUnstarted(state, job, due, effects);
    else endBackoff(state, job, due);
  }
}

function endBackoff(
  state: CoordinatorState,
  job: JobRecord,
  due: { stage: number; task: number },
): void {
  const stage = job.stages[due.stage] as Stage;
  if (stage.backoffs.delete(due.task) && isOpen(job, stage)) makeReady(state, stage, due.task);
}
