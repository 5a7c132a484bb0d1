/** Attempts that wait at a worker, and would wait there for longer than was expected, are taken
 *  back: other workers may run them sooner, and other jobs must not wait behind them.
 *
 *  1. A worker whose slots are all taken by attempts that it has announced returns all others.
 *  2. An attempt that took much longer than expected shows what the others of its stage on that
 *     worker will take: more of them than cover the way to it go back.
 *  3. Only the worker knows what has begun. The lease holds until it answers: `returned` ends it,
 *     without blame; of an attempt that has begun nothing is returned, and it goes on.
 *  4. Tabs announce all that they were given at once, and keep it. */
import type { Effect } from "../../effect.ts";
import { workerId } from "../../ids.ts";
import type { CoordinatorState, Lease, Stage, WorkerRecord } from "../state.ts";
import { coverMs } from "../workers/measured.ts";
import { refOf } from "../workers/ref.ts";

/** So many times as long as expected, and this much longer at least, is unexpected. */
const muchLonger = 4;
const muchLongerMs = 10;

/** The worker has announced attempts. */
export function takeBackBehind(state: CoordinatorState, number: number, effects: Effect[]): void {
  const worker = state.workers.get(number);
  if (worker === undefined || !isBlocked(worker)) return;
  if (worker.leases.size <= worker.specs.slots) return;
  const waiting = [...worker.leases].filter(isWaiting);
  order(worker, waiting, effects);
}

/** Whether all slots of the worker run what takes longer than a moment. */
export function isBlocked({ held, live, specs }: WorkerRecord): boolean {
  return live && specs.tab !== true && held.announced >= specs.slots;
}

/** An attempt of the stage has ended on the worker after `durationMs`. */
export function takeBackExcess(
  ended: { readonly worker: WorkerRecord; readonly stage: Stage; readonly lease: Lease },
  durationMs: number,
  effects: Effect[],
): void {
  const { lease, stage, worker } = ended;
  const { live, specs } = worker;
  if (!live || specs.tab === true || worker.leases.size <= specs.slots) return;
  if (durationMs < muchLonger * lease.chargeMs + muchLongerMs) return;
  const kept = specs.slots * Math.max(1, Math.floor(coverMs(worker) / durationMs));
  if ((worker.held.byJob.get(stage.job) ?? 0) <= kept) return;
  const others = [...worker.leases].filter((one) => {
    return one.job === stage.job && one.stage === stage.index && isWaiting(one);
  });
  // The first in its queue stay.
  order(worker, others.slice(kept), effects);
}

function isWaiting(lease: Lease): boolean {
  return lease.startedAtMs === 0 && lease.takenBack !== true;
}

function order(worker: WorkerRecord, leases: readonly Lease[], effects: Effect[]): void {
  if (leases.length === 0) return;
  for (const lease of leases) lease.takenBack = true;
  effects.push({
    kind: "take-back",
    worker: workerId(worker.number),
    attempts: leases.map(refOf),
  });
}
