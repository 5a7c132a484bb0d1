/** The simulated counterpart of a tab's task runner: a task's input comes through the gateway by
 *  its ticket, its output goes back the same way, and computing takes the time that the seed
 *  decides. */
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import type { AttemptRef, JobId } from "../../src/core/ids.ts";
import type { Failure } from "../../src/core/job.ts";
import type { BrowserBody } from "../../src/wire/browser/messages.ts";
import type { TabTask } from "../../src/worker/browser/tab/session.ts";
import { mapTask, plainTask, reduceTask, type SimJob } from "../jobs.ts";
import { digestOf } from "../world/digest.ts";
import type { SimProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { SimGateway } from "./gateway.ts";
import type { TabData } from "./tab-data.ts";

export type TabTasksOptions = {
  readonly slots: number;
  /** The gateway that it is connected to. */
  readonly gateway: () => string;
  readonly began: (tid: number) => void;
  readonly ended: (tid: number, body: Extract<BrowserBody, { action: "finish" | "error" }>) => void;
};

type Run = { readonly task: TabTask; isOver: boolean; isBegun: boolean };

const askTimeoutMs = 20_000;
/** As in production: see `tab/calls.ts`. */
const patienceMs = 90_000;
const unknownMs = 15_000;
const againMs = { first: 200, longest: 3_000 };
const fetchesAtOnce = 6;

/** A map task's partition that is unavailable. */
class PartitionLost extends Error {
  readonly task: number;
  readonly failure: Failure;

  constructor(task: number, { code, text }: ClusterError) {
    super(text);
    this.task = task;
    this.failure = { code, message: text };
  }
}

class Stopped extends Error {}

export class TabTasks {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #options: TabTasksOptions;
  readonly #runs = new Map<number, Run>();
  /** Hashes of code that it has. */
  readonly #kept = new Set<string>();
  #busy = 0;
  #isPaused = false;

  constructor(world: World, process: SimProcess, options: TabTasksOptions) {
    this.#world = world;
    this.#process = process;
    this.#options = options;
  }

  get running(): number {
    return this.#runs.size;
  }

  add(task: TabTask): void {
    const run = { task, isOver: false, isBegun: false };
    this.#runs.set(task.tid, run);
    if (this.#isPaused) this.#giveBack(run);
    else this.#next();
  }

  stop(tid: number): void {
    const run = this.#runs.get(tid);
    if (run === undefined) return;
    run.isOver = true;
    this.#runs.delete(tid);
    this.#next();
  }

  /** What has not begun is returned while it is paused. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#next();
    else for (const run of this.#runs.values()) if (!run.isBegun) this.#giveBack(run);
  }

  #next(): void {
    if (this.#isPaused) return;
    for (const run of this.#runs.values()) {
      if (run.isBegun) continue;
      if (this.#busy >= this.#options.slots) return;
      this.#busy += 1;
      run.isBegun = true;
      void this.#serve(run);
    }
  }

  async #serve(run: Run): Promise<void> {
    try {
      await this.#carryOut(run);
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
    this.#busy -= 1;
    this.#next();
  }

  async #carryOut(run: Run): Promise<void> {
    const { task } = run;
    const { judge, jobs } = this.#world;
    const job = jobs.get(task.planHash) ?? null;
    const refs = attemptsOf(task);
    const order = { job: task.job as JobId, stage: task.stage, attempts: refs };
    judge.runStarted(this.#process, order, job);
    if (job === null) return;
    const reports: AttemptReport[] = [];
    try {
      await this.#load(run);
      const input = task.kind === "reduce" ? await this.#partitions(run) : [];
      this.#options.began(task.tid);
      for (const ref of refs) reports.push(await this.#attempt(run, { job, ref, input }));
      this.#over(run, () => this.#finish(run, reports));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      if (!(error instanceof ClusterError || error instanceof PartitionLost)) throw error;
      this.#over(run, () => this.#fail(run, error));
    }
  }

  async #load(run: Run): Promise<void> {
    const { codeHash, place } = run.task;
    if (this.#kept.has(codeHash)) return;
    await this.#patiently(run, async () => {
      const text = await this.#ask((data) => data.code(ticketIn(place)));
      if (digestOf(text) !== codeHash) throw new ClusterError("unavailable", "wrong bytes");
    });
    this.#kept.add(codeHash);
  }

  async #partitions(run: Run): Promise<string[]> {
    const { inputCount, place } = run.task;
    const found = new Array<string>(inputCount).fill("");
    let next = 0;
    const lane = async () => {
      for (let from = next++; from < inputCount; from = next++) {
        const ask = () => this.#ask((data) => data.partition(ticketIn(place), from));
        try {
          found[from] = await this.#patiently(run, ask);
        } catch (error) {
          if (error instanceof ClusterError) throw new PartitionLost(from, error);
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, lane));
    return found;
  }

  async #attempt(
    run: Run,
    of: { readonly job: SimJob; readonly ref: AttemptRef; readonly input: readonly string[] },
  ): Promise<AttemptReport> {
    const { job, ref } = of;
    const { clock, random } = this.#world;
    const { task, attempt } = ref;
    const startedAtMs = clock.nowMs;
    const trouble = this.#world.trouble(job, ref.stage, task);
    await this.#process.sleep(job.meanMs * (0.5 + random.fraction()));
    if (run.isOver) throw new Stopped();
    if (trouble === "crash") throw new ClusterError("task-crashed", "the Worker has crashed");
    if (trouble === "hang") {
      await this.#process.sleep(run.task.timeoutMs);
      throw new ClusterError("timed-out", `longer than ${run.task.timeoutMs} ms`);
    }
    const durationMs = clock.nowMs - startedAtMs;
    if (trouble === "throw") {
      const failure = { code: "user-error", message: "Error: planted" } as const;
      return { kind: "failed", task, attempt, durationMs, failure };
    }
    const output = await this.#stored(run, of);
    const common = { kind: "done", task, attempt, durationMs, output } as const;
    if (run.task.kind === "reduce") return common;
    return { ...common, counters: { words: job.inputs[task]!.split(" ").length } };
  }

  async #stored(
    run: Run,
    { input, job, ref }: { job: SimJob; ref: AttemptRef; input: readonly string[] },
  ) {
    const { kind, partitionCount, place } = run.task;
    const ticket = ticketIn(place);
    const text = kind === "reduce" ? reduceTask(input) : plainTask(job.inputs[ref.task]!);
    const common = { sizeBytes: text.length, records: 1 };
    if (kind === "tasks") return { root: "", ...common, value: text };
    if (partitionCount === 0) {
      const put = () => this.#ask((data) => data.putPart(ticket, text));
      return { root: await this.#patiently(run, put), ...common };
    }
    const partitions = mapTask(job.inputs[ref.task]!, partitionCount);
    const put = () => this.#ask((data) => data.putRun(ticket, ref, partitions));
    const root = await this.#patiently(run, put);
    return { root, sizeBytes: partitions.join("").length, records: partitions.length };
  }

  #ask<T>(work: (data: TabData) => T | Promise<T>): Promise<T> {
    const options = {
      timeoutMs: askTimeoutMs,
      work: (gateway: SimGateway) => gateway.forward((server) => work(server.tabData())),
    };
    return this.#world.network.ask(this.#process, this.#options.gateway(), options);
  }

  async #patiently<T>(run: Run, call: () => Promise<T>): Promise<T> {
    const { clock } = this.#world;
    const sinceMs = clock.nowMs;
    for (let waitMs = againMs.first; ; waitMs = Math.min(againMs.longest, waitMs * 2)) {
      if (run.isOver) throw new Stopped();
      try {
        const got = await call();
        if (run.isOver) throw new Stopped();
        return got;
      } catch (error) {
        if (run.isOver) throw new Stopped();
        if (!(error instanceof ClusterError)) throw error;
        const goneMs = clock.nowMs - sinceMs;
        const again = error.code === "not-found" ? goneMs < unknownMs : error.retryable;
        if (!again || goneMs > patienceMs) throw error;
      }
      await this.#process.sleep(waitMs);
    }
  }

  #over(run: Run, then: () => void): void {
    if (run.isOver) return;
    run.isOver = true;
    this.#runs.delete(run.task.tid);
    then();
  }

  #finish(run: Run, reports: readonly AttemptReport[]): void {
    const { place, tid, type } = run.task;
    const url = [`${place}/out/0`];
    this.#options.ended(tid, { action: "finish", uid: null, type, tid, url, more: { reports } });
  }

  #fail(run: Run, error: ClusterError | PartitionLost): void {
    const { tid } = run.task;
    this.#world.count("task of a tab failed");
    const isLost = error instanceof PartitionLost;
    if (isLost) this.#world.count("tab reports a lost partition");
    const failure = isLost ? error.failure : { code: error.code, message: error.text };
    const lost = isLost ? { lostTasks: [error.task] } : {};
    const more = { tid, failure, ...lost };
    this.#options.ended(tid, { action: "error", uid: null, error: failure.message, more });
  }

  #giveBack(run: Run): void {
    this.#over(run, () => {
      const reports = run.task.attempts.map(([task, attempt]): AttemptReport => {
        return { kind: "returned", task, attempt, durationMs: 0 };
      });
      this.#finish(run, reports);
    });
  }
}

export function attemptsOf({ attempts, job, stage }: TabTask): AttemptRef[] {
  return attempts.map(([task, attempt]) => ({ job: job as JobId, stage, task, attempt }));
}

/** Of a place, `/t/<ticket>`. */
export function ticketIn(place: string): string {
  return place.split("/")[2] ?? "";
}
