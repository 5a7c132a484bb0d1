/** The judges of a simulated world. They read the durable records, apply them to a state of their
 *  own, and check the cluster against its laws (I1 … I23) and against the answers that its users
 *  got. The first violation is kept. */

import { decodeRecord } from "../../src/coordinator/loop/journal.ts";
import type { Loop } from "../../src/coordinator/loop/loop.ts";
import { LawWatch } from "../../src/core/cluster/laws.ts";
import {
  type CoordinatorState,
  emptyState,
  nextWakeMs,
  saveState,
  step,
} from "../../src/core/coordinator.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey, idNumber, type JobId } from "../../src/core/ids.ts";
import type { Failure } from "../../src/core/job.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import type { LogRecord } from "../../src/store/log/log.ts";
import type { RunOrder } from "../../src/worker/executor.ts";
import type { SimJob } from "../jobs.ts";
import type { SimClock } from "../world/clock.ts";
import type { SimProcess } from "../world/process.ts";
import type { SimRelay } from "../world/relay.ts";
import { FairnessJudge } from "./fairness.ts";
import { IdentityJudge } from "./identities.ts";
import { type Exercised, exerciseState } from "./laws.ts";
import { RelayJudge } from "./relay.ts";
import { ShuffleJudge } from "./shuffle.ts";
import { StepJudge } from "./steps.ts";
import type { WatchedWorker } from "./watched.ts";

export type JudgeOptions = {
  readonly clock: SimClock;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** Laws about the whole state are checked once per this many records; 1 = each. */
  readonly lawsEvery: number;
  /** Nothing stops the coordinator: see `ClusterPlan`. */
  readonly isSteady: boolean;
  readonly count: (what: string) => void;
  /** Called for each law that is checked and could have been broken. */
  readonly exercised: Exercised;
};

type Ordered = Pick<RunOrder, "job" | "stage" | "attempts">;
type Acknowledged = { readonly number: number; readonly digest: string; removing: boolean };

/** The live state is compared with the judge's once per this many records … */
const compareEvery = 1_000;
/** … and at a start at least this many records after the last time: only a start derives its state
 *  in another way than the judge. An error of a start persists, so the next start shows it. */
const compareStartEvery = 40;
/** Orders of a job may still arrive this long after its end, in addition to a lease, ms. */
const orderLateMs = 150_000;

/** Time that a process needs to catch up after a pause, ms. */
const wakingMs = 2_000;

/** Tolerance for deadlines: longer than any pause and any disk fault, ms. */
const wakeLateMs = 200_000;

export class Judge {
  /** The first violation; null = none so far. */
  broken: Error | null = null;
  /** The state after the durable records. */
  readonly state: CoordinatorState = emptyState();
  position = 0;
  /** Time after which no fault is active, ms. */
  healedAtMs = Infinity;
  readonly identities: IdentityJudge;
  readonly shuffle: ShuffleJudge;
  /** Duration of each ended job, by its key, ms. */
  readonly tookMs = new Map<string, number>();
  readonly #options: JudgeOptions;
  readonly #watch = new LawWatch();
  readonly #steps: StepJudge;
  readonly #fairness: FairnessJudge;
  readonly #relay: RelayJudge;
  #atMs = 0;
  #startedAtMs = 0;
  readonly #acknowledged = new Map<JobId, Acknowledged>();
  readonly #idOfKey = new Map<string, JobId>();
  /** The process that ran each attempt of a job. */
  readonly #ranBy = new Map<JobId, Map<string, SimProcess>>();
  readonly #endedAtMs = new Map<string, number>();
  #loop: Loop | null = null;
  #sinceCompared = 0;

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#steps = new StepJudge(options.exercised);
    this.#fairness = new FairnessJudge(options);
    this.#relay = new RelayJudge(options.exercised);
    this.shuffle = new ShuffleJudge({
      breach: (law, text) => this.breach(law, text),
      exercised: options.exercised,
    });
    this.identities = new IdentityJudge({
      nowMs: () => options.clock.nowMs,
      quietMs: 2 * options.heartbeatMs,
      breach: (law, text) => this.breach(law, text),
      count: options.count,
      exercised: options.exercised,
    });
  }

  /** Time of the newest record. */
  get atMs(): number {
    return this.#atMs;
  }

  breach(law: string, text: string): void {
    this.failed(new Error(`${law}: ${text}`));
  }

  failed(error: unknown): void {
    this.broken ??= error instanceof Error ? error : new Error(String(error));
    this.#options.clock.stop();
  }

  /** Checks this relay from now on. */
  watch(relay: SimRelay): void {
    this.#relay.watch(relay, this.state, (law, text) => this.breach(law, text));
  }

  // The log.

  durable(records: readonly LogRecord[]): void {
    try {
      for (const record of records) this.#see(record);
    } catch (error) {
      this.failed(error);
    }
  }

  #see(record: LogRecord): void {
    if (record.position !== this.position + 1) {
      throw new Error(`I19: record ${record.position} follows ${this.position}`);
    }
    this.position = record.position;
    this.#sinceCompared += 1;
    const event = decodeRecord(record);
    this.#checkFence(event);
    const last = this.#atMs;
    if (event.kind === "coordinator-started") this.#options.exercised("C9: time never goes back");
    if (event.atMs < last) throw new Error(`C9: time goes back from ${last} to ${event.atMs}`);
    this.#atMs = event.atMs;
    this.#checkDeadlines(event);
    const isLooked = record.position % this.#options.lawsEvery === 0;
    this.#steps.before(this.state, event);
    this.#fairness.before(this.state, event);
    this.#relay.before(this.state, event);
    const effects = step(this.state, event);
    this.#steps.after(this.state, effects, isLooked);
    this.#fairness.after(this.state);
    this.#relay.after(this.state, event);
    if (isLooked) {
      this.#watch.see(this.state);
      exerciseState(this.state, this.#options.exercised);
    }
    for (const job of this.state.jobs.values()) {
      if (job.state === "running") continue;
      const id = `j-${job.number}`;
      if (this.#endedAtMs.has(id)) continue;
      this.#endedAtMs.set(id, this.#options.clock.nowMs);
      if (job.state !== "done") this.#options.exercised("I7: no task of an ended job begins");
    }
    if (this.#acknowledged.size > 0) this.#options.exercised("I1: an acknowledged job stays");
    for (const { digest, number, removing } of this.#acknowledged.values()) {
      const found = this.state.jobs.get(number);
      if (found?.digest === digest || removing) continue;
      throw new Error(`I1: j-${number} is missing`);
    }
  }

  /** Due deadlines are handled as soon as the coordinator runs. */
  #checkDeadlines(event: CoordinatorEvent): void {
    if (event.kind === "coordinator-started") this.#startedAtMs = event.atMs;
    // Pauses are checked separately: a coordinator that has lost one does not wake for it either.
    let wakeMs = nextWakeMs(this.state);
    for (const { live, pause } of this.state.workers.values()) {
      if (live && pause !== null && pause.untilMs > 0) wakeMs = Math.min(wakeMs, pause.untilMs);
    }
    const dueAtMs = Math.max(wakeMs, this.#startedAtMs);
    if (wakeMs < Infinity) this.#options.exercised("I21: no deadline is overdue");
    if (event.atMs - dueAtMs <= wakeLateMs) return;
    throw new Error(`I21: a deadline is overdue by ${event.atMs - dueAtMs} ms`);
  }

  /** A worker stops its attempts before the coordinator gives it up. */
  #checkFence(event: CoordinatorEvent): void {
    if (event.kind !== "worker-lost" || event.reason !== "silent") return;
    this.#options.count("worker lost: silent");
    for (const { process, executor, loop } of this.identities.of(event.worker)) {
      if (!process.up) continue;
      this.#options.exercised("W2: a worker gives itself up before the coordinator does");
      if (loop.workerId !== event.worker || executor.running === 0) continue;
      if (process.resumedAtMs >= this.#options.clock.nowMs - 1) continue;
      throw new Error(`W2: ${event.worker} was given up for silence and still runs attempts`);
    }
  }

  coordinatorStarted(loop: Loop): void {
    this.#loop = loop;
    if (this.#sinceCompared >= compareStartEvery) this.#compare();
  }

  /** Called when nothing is in progress. */
  afterEvent(): void {
    if (this.#sinceCompared >= compareEvery) this.#compare();
  }

  #compare(): void {
    const loop = this.#loop;
    if (loop === null || loop.position !== this.position) return;
    this.#sinceCompared = 0;
    this.#options.exercised("I19: replay equals live");
    const mine = JSON.stringify(saveState(this.state));
    const live = JSON.stringify(saveState(loop.state));
    if (mine === live) return;
    let at = 0;
    while (mine[at] === live[at]) at++;
    const part = (text: string) => text.slice(Math.max(0, at - 80), at + 80);
    this.breach("I19", `at ${this.position} replay gives …${part(mine)}…, live is …${part(live)}…`);
  }

  // Answers to users.

  submitted(job: SimJob, id: JobId, digest: string): void {
    const { exercised } = this.#options;
    const before = this.#idOfKey.get(job.key);
    if (before !== undefined) exercised("I2: one job for each key, however often it is submitted");
    if (before !== undefined && before !== id)
      this.breach("I2", `${job.key} is ${before} and ${id}`);
    this.#idOfKey.set(job.key, id);
    const number = idNumber(id);
    if (before === undefined) this.#acknowledged.set(id, { number, digest, removing: false });
    const found = this.state.jobs.get(number);
    if (before === undefined) this.#countBeside(job, number);
    if (found?.digest !== digest) this.breach("I1", `${id} was acknowledged and is not in the log`);
  }

  /** X1: jobs of equal code, and of several owners, run at once. */
  #countBeside({ owner, spec }: SimJob, number: number): void {
    for (const other of this.state.active) {
      const beside = this.state.jobs.get(other)!;
      if (other === number) continue;
      if (beside.spec.codeHash === spec.codeHash) this.#options.count("jobs of equal code at once");
      if (beside.owner !== owner) this.#options.count("jobs of several owners at once");
    }
  }

  otherBody(job: SimJob, outcome: unknown): void {
    this.#options.exercised("I2: another body under a taken key is refused");
    if (outcome !== "conflict") this.breach("I2", `${job.key} with another body gave ${outcome}`);
  }

  cancelled(job: SimJob, id: JobId): void {
    const found = this.state.jobs.get(idNumber(id));
    this.#options.exercised("I7: a job whose cancel is acknowledged has ended");
    if (found?.state === "running") this.breach("I7", `${id} was cancelled and runs (${job.key})`);
  }

  ended(job: SimJob, summary: JobSummary): void {
    const { failure, state } = summary;
    this.#options.count(`job ${state}`);
    this.tookMs.set(job.key, summary.endedAtMs - summary.submittedAtMs);
    if (state === "cancelled" && job.cancelAtMs === Infinity) {
      this.breach("I7", `${summary.job} was cancelled, but not by its owner`);
    }
    const harsh = (this.#endedAtMs.get(summary.job) ?? Infinity) < this.healedAtMs + 900_000;
    if (state === "failed" && !this.#excused(job, failure!, harsh)) {
      this.breach(
        "I21",
        `${summary.job} failed for no reason: ${failure?.code}: ${failure?.message}`,
      );
    }
    this.#options.exercised("I21: no job fails without a reason");
    if (state !== "done") return;
    this.#options.exercised("I23: counters equal the judge");
    if (job.isDoomed) this.breach("I23", `${summary.job} is done, though a task always fails`);
    const words = summary.counters.words ?? 0;
    const expected = job.expectedWords;
    if (words !== expected) {
      this.breach("I23", `${summary.job} counted ${words} words of ${expected}`);
    }
  }

  /** `harsh`: it failed while there were faults. */
  #excused(job: SimJob, failure: Failure, harsh: boolean): boolean {
    const { code, message } = failure;
    if (code === "user-error") return job.isDoomed;
    if (code === "timed-out") return job.spec.stages.some((stage) => stage.timeoutMs > 0);
    if (code === "task-crashed") {
      if (/ was set back \d+ times/.test(message)) return harsh;
      return / workers .* were lost while /.test(message) && job.spec.limits.workersKilledMax === 3;
    }
    // A tab that learns of it too late finds its ticket expired.
    if (code === "download-failed" || code === "not-found") {
      const often = /set back \d+ times|could not be fetched from any worker/.test(message);
      return often && harsh;
    }
    return false;
  }

  collected(job: SimJob, id: JobId, results: readonly string[]): void {
    this.#options.exercised("I23: results equal the judge");
    if (JSON.stringify(results) === JSON.stringify(job.expected)) return;
    const told = JSON.stringify(results).slice(0, 300);
    this.breach("I23", `${id} gave ${told}, not ${JSON.stringify(job.expected).slice(0, 300)}`);
  }

  removing(id: JobId): void {
    const acknowledged = this.#acknowledged.get(id);
    if (acknowledged !== undefined) acknowledged.removing = true;
  }

  removed(job: SimJob, id: JobId): void {
    this.#acknowledged.delete(id);
    this.#ranBy.delete(id);
    this.#options.exercised("I10: a removed job is gone");
    if (this.state.jobs.has(idNumber(id))) this.breach("I10", `${id} (${job.key}) was removed`);
  }

  // What workers do.

  runStarted(process: SimProcess, order: Ordered, job: SimJob | null): void {
    if (job === null) {
      this.breach(
        "W",
        `${process.name} was assigned a task of ${order.job}, which was not announced`,
      );
      return;
    }
    const endedAtMs = this.#endedAtMs.get(order.job) ?? Infinity;
    const { clock, exercised, leaseMs } = this.#options;
    // A process that was paused first reads the messages that had queued, the order before its
    // abort.
    const isAwake = clock.nowMs - process.resumedAtMs > wakingMs;
    if (isAwake && clock.nowMs - endedAtMs > leaseMs + orderLateMs) {
      this.breach("I7", `${process.name} starts tasks of ${order.job}, which has ended`);
    }
    const ranBy = this.#ranBy.get(order.job) ?? new Map<string, SimProcess>();
    this.#ranBy.set(order.job, ranBy);
    const isList = job.spec.stages[order.stage]!.kind === "tasks";
    for (const ref of order.attempts) {
      const key = attemptKey(ref);
      const before = ranBy.get(key);
      ranBy.set(key, process);
      if (ref.attempt > 1) exercised("I5: an attempt runs in one process only");
      if (before === undefined || (isList && before === process)) continue;
      this.breach("I5", `${key} runs in ${process.name} and ran in ${before.name} before`);
    }
  }

  tabAcknowledged(name: string, refs: readonly AttemptRef[]): void {
    this.#options.exercised("B: a tab's end is durable before it is acknowledged");
    for (const { attempt, job, stage, task } of refs) {
      const leases = this.state.jobs.get(idNumber(job))?.stages[stage]?.leases.get(task) ?? [];
      if (!leases.some((lease) => lease.attempt === attempt)) continue;
      const ref = `${job}/${stage}/${task}#${attempt}`;
      this.breach("B", `${name} got an Ack for the end of ${ref}, which is not durable`);
    }
  }

  /** A worker that must not be admitted has joined; `shown`: the id that it presented. */
  intruderJoined(worker: WatchedWorker, shown: string): void {
    this.#options.exercised("I14: no worker is admitted without its credential");
    if (worker.loop.workerId !== shown) return;
    this.breach("I14", `${worker.process.name} was admitted as ${worker.loop.workerId}`);
  }

  workerEnded(worker: WatchedWorker, failure: Failure | null): void {
    if (failure !== null) this.#options.exercised("W6: a worker is rejected only with a reason");
    if (failure === null || this.identities.isExcused(worker, failure)) return;
    const { name } = worker.process;
    this.breach("W6", `${name} was rejected: ${failure.code}: ${failure.message}`);
  }
}
