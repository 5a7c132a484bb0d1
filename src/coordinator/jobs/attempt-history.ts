/** Which worker had which attempt when, for timelines. The loop feeds it beside the core; it is
 *  kept in memory, and after a restart reaches back as far as the log (see decisions/0010).
 *
 *  1. An attempt is open from its order to its end, and counts once.
 *  2. Of each job the newest `perJobMax` that ended are kept; of all jobs together `allMax`, and
 *     the job that was seen first is evicted first.
 *  3. No decision depends on it.
 *  4. A jump of the clock (see core/cluster/clock.ts) does not count as time of an attempt. */
import type { Effect } from "../../core/effect.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import {
  type AttemptRef,
  attemptKey,
  idNumber,
  type JobId,
  type WorkerId,
} from "../../core/ids.ts";
import {
  type AttemptOutcome,
  type Attempts,
  attemptNumbers,
  attemptOutcomes,
} from "../../wire/api/attempts.ts";
import { AttemptRows } from "./attempt-rows.ts";
import { type OpenAttempt, OpenAttempts } from "./open-attempts.ts";

export type AttemptHistoryLimits = {
  readonly perJobMax: number;
  readonly allMax: number;
  /** Ended attempts in one answer. */
  readonly answerMax: number;
};

export const defaultHistoryLimits: AttemptHistoryLimits = {
  perJobMax: 200_000,
  allMax: 1_000_000,
  answerMax: 20_000,
};

/** Running attempts in one answer. */
const runningMax = 10_000;

type Span = {
  readonly fromMs: number;
  readonly toMs: number;
  readonly outcome: AttemptOutcome;
};

type JobHistory = {
  /** Without jumps, as all other times here. */
  readonly originMs: number;
  /** The jumps before it, ms. */
  readonly jumpedMs: number;
  readonly whole: boolean;
  readonly open: OpenAttempts;
  readonly ended: AttemptRows;
};

export class AttemptHistory {
  readonly #limits: AttemptHistoryLimits;
  readonly #jobs = new Map<JobId, JobHistory>();
  #kept = 0;
  /** Sum of the clock's jumps, less what was corrected, ms. */
  #jumpedMs = 0;

  constructor(limits: Partial<AttemptHistoryLimits> = {}) {
    this.#limits = { ...defaultHistoryLimits, ...limits };
  }

  /** Every event, in order, with the core's effects. */
  see(event: CoordinatorEvent, effects: readonly Effect[]): void {
    if (event.kind === "coordinator-started") this.#jumpedMs += event.aheadMs ?? 0;
    const atMs = event.atMs - this.#jumpedMs;
    if (event.kind === "clock-corrected") this.#jumpedMs -= event.byMs;
    else if (event.kind === "job-submitted") this.#submitted(effects, atMs);
    else if (event.kind === "attempts-reported") this.#reported(event, atMs);
    else if (event.kind === "worker-lost") this.#lost(event.worker, new Set(), atMs);
    else if (event.kind === "worker-joined" && event.worker !== null) {
      this.#lost(event.worker, new Set(event.holding.map(attemptKey)), atMs);
    }
    for (const effect of effects) this.#ordered(effect, atMs);
  }

  /** Null when nothing is known of the job. */
  attempts(job: JobId, after: number, atMs: number): Attempts | null {
    const history = this.#jobs.get(job);
    if (history === undefined) return null;
    const { ended, jumpedMs, open, whole } = history;
    const from = after > ended.next ? ended.first : Math.max(after, ended.first);
    const to = Math.min(ended.next, from + this.#limits.answerMax);
    const running: number[] = [];
    const toMs = atMs - this.#jumpedMs;
    for (const one of open.values()) {
      if (running.length >= runningMax * attemptNumbers) break;
      const span = { fromMs: one.fromMs, toMs, outcome: "running" } as const;
      for (const number of rowOf(one, history.originMs, span)) running.push(number);
    }
    const partial = !whole || ended.first > 0;
    const more = to < ended.next;
    // Of the jumps before it, some may have been corrected since.
    const originMs = history.originMs + Math.min(jumpedMs, this.#jumpedMs);
    return { originMs, partial, next: to, more, ended: ended.slice(from, to), running };
  }

  #submitted(effects: readonly Effect[], atMs: number): void {
    const job = effects.find((effect) => effect.kind === "reply")?.value.job;
    if (job !== undefined && !this.#jobs.has(job)) this.#add(job, atMs, true);
  }

  #add(job: JobId, originMs: number, whole: boolean): JobHistory {
    const ended = new AttemptRows(this.#limits.perJobMax);
    const jumpedMs = this.#jumpedMs;
    const history: JobHistory = { originMs, jumpedMs, whole, open: new OpenAttempts(), ended };
    this.#jobs.set(job, history);
    return history;
  }

  #reported(event: Extract<CoordinatorEvent, { kind: "attempts-reported" }>, atMs: number): void {
    const { job, stage, worker } = event;
    const history = this.#jobs.get(job);
    if (history === undefined) return;
    for (const report of event.reports) {
      const { attempt, task } = report;
      const open = history.open.get({ job, stage, task, attempt });
      if (open === undefined || open.worker !== worker) continue;
      history.open.delete(open);
      if (report.kind === "returned") continue;
      // It may have waited at the worker: only its duration counts.
      const fromMs = Math.max(open.fromMs, atMs - report.durationMs);
      this.#close(history, open, { fromMs, toMs: atMs, outcome: report.kind });
    }
  }

  #ordered(effect: Effect, atMs: number): void {
    if (effect.kind === "assign") {
      const { job, stage, worker } = effect;
      const history = this.#jobs.get(job) ?? this.#add(job, atMs, false);
      for (const { attempt, task } of effect.attempts) {
        const backup = history.open.hasBefore({ job, stage, task, attempt });
        history.open.add({ job, stage, task, attempt, worker, fromMs: atMs, backup });
      }
    } else if (effect.kind === "abort") {
      for (const ref of effect.attempts) this.#stopped(ref, atMs);
    } else if (effect.kind === "close-job") {
      for (const open of [...(this.#jobs.get(effect.job)?.open.values() ?? [])]) {
        if (open.worker === effect.worker) this.#stopped(open, atMs);
      }
    } else if (effect.kind === "drop-blobs") {
      this.#forget(effect.job);
    }
  }

  #stopped(ref: AttemptRef, atMs: number): void {
    const history = this.#jobs.get(ref.job);
    const open = history?.open.get(ref);
    if (history === undefined || open === undefined) return;
    history.open.delete(open);
    this.#close(history, open, { fromMs: open.fromMs, toMs: atMs, outcome: "stopped" });
  }

  /** All attempts of the worker, except those that it still holds. */
  #lost(worker: WorkerId, holding: ReadonlySet<string>, atMs: number): void {
    for (const history of this.#jobs.values()) {
      for (const open of [...history.open.values()]) {
        if (open.worker !== worker || holding.has(attemptKey(open))) continue;
        history.open.delete(open);
        this.#close(history, open, { fromMs: open.fromMs, toMs: atMs, outcome: "lost" });
      }
    }
  }

  #close(history: JobHistory, open: OpenAttempt, span: Span): void {
    const before = history.ended.size;
    history.ended.add(rowOf(open, history.originMs, span));
    this.#kept += history.ended.size - before;
    if (this.#kept <= this.#limits.allMax) return;
    for (const [job, other] of this.#jobs) {
      if (this.#kept <= this.#limits.allMax) return;
      if (other !== history) this.#forget(job);
    }
  }

  #forget(job: JobId): void {
    this.#kept -= this.#jobs.get(job)?.ended.size ?? 0;
    this.#jobs.delete(job);
  }
}

function rowOf(open: OpenAttempt, originMs: number, { fromMs, outcome, toMs }: Span): number[] {
  const { attempt, backup, stage, task, worker } = open;
  const start = Math.max(0, Math.round(fromMs - originMs));
  const length = Math.max(0, Math.round(toMs - fromMs));
  const last = attemptOutcomes.indexOf(outcome) + (backup ? 8 : 0);
  return [stage, task, attempt, idNumber(worker), start, length, last];
}
