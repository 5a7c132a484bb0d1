/** Runs the tasks of a tab: what each reads is fetched and verified here, what it made is put where
 *  it belongs; job code sees neither address nor ticket. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { Failure } from "../../../core/job.ts";
import type { BrowserBody } from "../../../wire/browser/messages.ts";
import type { FromTaskWorker, TaskOrder } from "../contract.ts";
import type { InputCache } from "./cache.ts";
import { type Calls, putBytes } from "./calls.ts";
import { PartitionLost, TaskInputs } from "./inputs.ts";
import { stored } from "./outputs.ts";
import type { TabLimits, TaskShown } from "./page-messages.ts";
import type { TabParts } from "./parts.ts";
import type { PythonFetcher } from "./python.ts";
import { ReportFlow } from "./reporting/flow.ts";
import { failureOfTab, HeardReports, returned } from "./reporting/reports.ts";
import type { TabTask } from "./session.ts";
import { Rests } from "./slots/rests.ts";
import type { Handed, Slot } from "./slots/slot.ts";
import { Unreadable } from "./unreadable.ts";

export type RunnerEars = {
  readonly began: (tid: number) => void;
  readonly logged: (tid: number, task: number, line: string) => void;
  readonly progressed: (tid: number, task: number, inputBytes: number) => void;
  readonly ended: (tid: number, body: Extract<BrowserBody, { action: "finish" | "error" }>) => void;
  readonly changed: () => void;
  /** Tasks cannot run here now, for this reason: nothing more is to be taken for a while. */
  readonly unable: (reason: string) => void;
};

export type RunnerOptions = {
  readonly origin: string;
  readonly limits: TabLimits;
  readonly ears: RunnerEars;
  readonly python: PythonFetcher;
  /** Null = the browser keeps nothing. */
  readonly cache: Promise<InputCache | null>;
  readonly parts: TabParts;
  readonly newSlot: (index: number) => Slot;
};

type Run = {
  readonly task: TabTask;
  readonly stopping: AbortController;
  slot: Slot | null;
  /** What it needs, being fetched; null = not yet. */
  order: Promise<TaskOrder> | null;
  /** Where it waits with all that it needs; null = nowhere. */
  ahead: Ahead | null;
  state: TaskShown["state"];
  /** Of what it reports before its end. */
  readonly flow: ReportFlow;
};

/** An order that a Worker of the slot has; `code` is what stacks are read by. */
type Ahead = { readonly slot: Slot; readonly handed: Handed; readonly code: string };

export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #inputs: TaskInputs;
  readonly #runs = new Map<number, Run>();
  /** Free and taken; those beyond `#wanted` go when they are free. */
  readonly #slots: Slot[] = [];
  readonly #busy = new Set<Slot>();
  readonly #rests = new Rests();
  #wanted = 0;
  #isPaused = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#inputs = new TaskInputs(options.limits, options.python, options.cache);
  }

  get shown(): TaskShown[] {
    return [...this.#runs.values()].map(({ state, task }) => {
      const { attempts, job, jobName, kind, owner, tid } = task;
      return { tid, job, jobName, owner, kind, tasks: attempts.length, state };
    });
  }

  slot(index: number): Slot | undefined {
    return this.#slots.find((slot) => slot.index === index);
  }

  /** Of the time, how much a slot computes; above 0 to 1. */
  lend(share: number): void {
    this.#rests.lend(share);
  }

  /** More are there at once; of fewer, those that run end first, and what has not begun is given
   *  back. */
  resize(slots: number): void {
    const isFewer = slots < this.#wanted;
    this.#wanted = slots;
    for (let i = 0; i < slots; i++) {
      if (this.slot(i) === undefined) this.#slots.push(this.#options.newSlot(i));
    }
    if (isFewer) {
      this.#giveBackQueued();
      for (const slot of [...this.#slots]) this.#dropUnwanted(slot);
    }
    this.#next();
  }

  #dropUnwanted(slot: Slot): void {
    if (slot.index < this.#wanted || this.#busy.has(slot)) return;
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    slot.close();
  }

  /** What has not begun is given back while it is paused. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) this.#giveBackQueued();
    else this.#next();
  }

  #giveBackQueued(): void {
    for (const run of this.#runs.values()) if (run.state === "queued") this.#giveBack(run);
  }

  add(task: TabTask): void {
    const stopping = new AbortController();
    const run: Run = {
      task,
      stopping,
      flow: this.#flow(task, stopping.signal),
      slot: null,
      order: null,
      ahead: null,
      state: "queued",
    };
    this.#runs.set(task.tid, run);
    this.#options.parts.began(task);
    if (this.#isPaused) this.#giveBack(run);
    else this.#next();
  }

  /** Ends a task that is not wanted any more. */
  stop(tid: number): void {
    const run = this.#runs.get(tid);
    if (run === undefined) return;
    this.#runs.delete(tid);
    run.stopping.abort();
    run.flow.stop();
    forget(run);
    run.slot?.stop();
  }

  #next(): void {
    this.#options.ears.changed();
    if (this.#isPaused) return;
    const queued = [...this.#runs.values()].filter(({ state }) => state === "queued");
    const isFree = (slot: Slot) => slot.index < this.#wanted && !this.#busy.has(slot);
    // A task that waits at a free slot goes there; the others go to any free slot. A task that
    // waits at a slot that computes comes last, when no other task is left for the free one.
    const waiting = queued.filter(({ ahead }) => ahead !== null && isFree(ahead.slot));
    for (const run of waiting) void this.#serve(run, (run.ahead as Ahead).slot);
    const others = queued.filter((run) => !waiting.includes(run));
    for (const run of others.sort((a, b) => Number(a.ahead !== null) - Number(b.ahead !== null))) {
      const slot = this.#slots.find(isFree);
      if (slot !== undefined) void this.#serve(run, slot);
      else if (!this.#fetchAhead(run)) return;
    }
  }

  /** While the slots compute, what comes next is fetched: one task for each slot. */
  #fetchAhead(run: Run): boolean {
    if (isPrepared(run)) return true;
    const waiting = [...this.#runs.values()].filter(
      (one) => one.state === "queued" && isPrepared(one),
    );
    if (waiting.length >= this.#wanted) return false;
    run.order = this.#inputs.order(run.task, this.#calls(run.task, run.stopping.signal));
    // A failure reaches the caller that awaits `run.order`.
    run.order.then(
      (order) => this.#handAhead(run, order),
      () => {},
    );
    return true;
  }

  /** To a slot that computes and has no other task waiting for it. */
  #handAhead(run: Run, order: TaskOrder): void {
    if (run.state !== "queued" || !this.#runs.has(run.task.tid)) return;
    const slot = this.#slots.find(({ canPrefetch }) => canPrefetch);
    const handed = slot?.hand(order) ?? null;
    if (slot === undefined || handed === null) return;
    // Its buffers are handed over.
    run.order = null;
    run.ahead = { slot, handed, code: order.code };
  }

  async #serve(run: Run, slot: Slot): Promise<void> {
    this.#busy.add(slot);
    run.slot = slot;
    run.state = "fetching";
    const computed = await this.#computed(run, slot);
    run.slot = null;
    // The next task need not wait until this one's output is away.
    if (computed !== null) void this.#deliver(run, computed);
    await this.#rests.rest(slot);
    this.#busy.delete(slot);
    this.#dropUnwanted(slot);
    this.#next();
  }

  /** The reports of its Worker; null when the task is over already. */
  async #computed(run: Run, slot: Slot): Promise<HeardReports | null> {
    const { task, stopping } = run;
    const { signal } = stopping;
    let heard = new HeardReports(task.attempts, "");
    try {
      const { code, handed } = await this.#handedTo(run, slot);
      if (signal.aborted) slot.forget(handed);
      signal.throwIfAborted();
      if (handed.isLost) throw new ClusterError("unavailable", "the slot has lost its sandbox");
      heard = new HeardReports(task.attempts, code);
      this.#phase(run, "computing");
      this.#options.ears.began(task.tid);
      await this.#compute(run, { slot, handed }, heard);
      return heard;
    } catch (error) {
      if (error instanceof Unreadable && !signal.aborted) {
        this.#giveBack(run);
        this.#options.ears.unable(error.message);
      } else if (!signal.aborted) this.#fail(run, error, heard);
      return null;
    }
  }

  /** With all that it needs at this slot. */
  async #handedTo(run: Run, slot: Slot): Promise<Ahead> {
    const { ahead } = run;
    if (ahead?.slot === slot && !ahead.handed.isLost) {
      run.ahead = null;
      return ahead;
    }
    forget(run);
    run.order ??= this.#inputs.order(run.task, this.#calls(run.task, run.stopping.signal));
    const order = await run.order;
    // Its buffers are handed over.
    run.order = null;
    const isReady = await slot.ready(this.#options.limits.sandboxMs);
    const handed = isReady ? slot.hand(order) : null;
    if (handed === null) throw new Unreadable("its browser starts no sandbox");
    return { slot, handed, code: order.code };
  }

  async #deliver(run: Run, heard: HeardReports): Promise<void> {
    const { signal } = run.stopping;
    try {
      this.#phase(run, "storing");
      const calls = this.#calls(run.task, run.stopping.signal);
      const reports = await stored(run.task, heard, calls);
      if (run.task.kind === "tasks") await run.flow.rest(heard.reports);
      if (signal.aborted) return;
      this.#finish(run, reports);
    } catch (error) {
      if (!signal.aborted) this.#fail(run, error, heard);
    }
  }

  #compute(
    run: Run,
    { handed, slot }: Pick<Ahead, "handed" | "slot">,
    heard: HeardReports,
  ): Promise<void> {
    const { tid, timeoutMs, attempts } = run.task;
    const { share } = this.#rests;
    const sinceMs = performance.now();
    return new Promise((resolve, reject) => {
      const over = (failure: Error | null) => {
        const tookMs = performance.now() - sinceMs;
        this.#rests.ran(slot, tookMs);
        this.#options.parts.computed(run.task, Math.max(0, tookMs - slot.restedMs));
        run.stopping.signal.removeEventListener("abort", stopped);
        if (failure === null) resolve();
        else reject(failure);
      };
      const stopped = () => over(new ClusterError("unavailable", "it was stopped"));
      run.stopping.signal.addEventListener("abort", stopped, { once: true });
      const said = (message: FromTaskWorker) => {
        heard.hear(message);
        if (run.task.kind === "tasks" && heard.reports.length > 0) run.flow.came(heard.reports);
        const isOurs = (task: unknown) => attempts.some(([ours]) => ours === task);
        if (message?.kind === "log" && isOurs(message.task) && Array.isArray(message.lines)) {
          for (const line of message.lines) {
            this.#options.ears.logged(tid, message.task, String(line).slice(0, 4_096));
          }
        } else if (message?.kind === "progress" && isOurs(message.task)) {
          this.#options.ears.progressed(tid, message.task, Number(message.inputBytes) || 0);
        }
      };
      slot.run(handed, { timeoutMs, share }, { said, over });
    });
  }

  #flow(task: TabTask, signal: AbortSignal): ReportFlow {
    const { place, reportsMaxBytes } = task;
    return new ReportFlow({
      maxBytes: reportsMaxBytes ?? null,
      put: (body) => putBytes(this.#calls(task, signal), `${place}/reports`, [body]),
      sent: (reports) => this.#count(task, reports),
    });
  }

  #calls(task: TabTask, signal: AbortSignal): Calls {
    const { origin, limits } = this.#options;
    return {
      origin,
      signal,
      patienceMs: limits.patienceMs,
      moved: (bytes, way) => {
        this.#options.parts.moved(task, bytes, way);
        this.#options.ears.changed();
      },
    };
  }

  #phase(run: Run, state: TaskShown["state"]): void {
    run.state = state;
    this.#options.ears.changed();
  }

  #finish(run: Run, reports: readonly AttemptReport[]): void {
    const { tid, type, place } = run.task;
    this.#count(run.task, reports);
    this.#runs.delete(tid);
    const url = [`${place}/out/0`];
    this.#options.ears.ended(tid, {
      action: "finish",
      uid: null,
      type,
      tid,
      url,
      more: { reports },
    });
  }

  #count(task: TabTask, reports: readonly AttemptReport[]): void {
    this.#options.parts.did(task, reports);
    this.#options.ears.changed();
  }

  /** What was reported before stays: only the attempt at hand has failed, others are given back. */
  #fail(run: Run, error: unknown, heard: HeardReports): void {
    const { kind, attempts } = run.task;
    const failure = failureOfTab(error instanceof PartitionLost ? error.problem : error);
    const stack = heard.loadFailure?.stack;
    const whole = stack === undefined ? failure : { ...failure, stack };
    const [current, ...others] = heard.left;
    const isBegun = kind === "tasks" && heard.loadFailure === null && heard.count > 0;
    if (isBegun && current !== undefined && attempts.length > 1) {
      const [task, attempt] = current;
      heard.reports.push({ kind: "failed", task, attempt, durationMs: 0, failure: whole });
      for (const other of others) heard.reports.push(returned(other));
      this.#phase(run, "storing");
      run.flow.rest(heard.reports).then(
        () => !run.stopping.signal.aborted && this.#finish(run, heard.reports),
        (cause) => !run.stopping.signal.aborted && this.#failAll(run, cause, failureOfTab(cause)),
      );
      return;
    }
    this.#failAll(run, error, whole);
  }

  #failAll({ flow, task }: Run, error: unknown, failure: Failure): void {
    const { attempts, tid } = task;
    flow.stop();
    this.#options.parts.failed(task, attempts.length);
    this.#runs.delete(tid);
    const lost = error instanceof PartitionLost ? { lostTasks: [error.task] } : {};
    const more = { tid, failure, ...lost };
    const text = failure.message.slice(0, 4_000);
    this.#options.ears.ended(tid, { action: "error", uid: null, error: text, more });
  }

  #giveBack(run: Run): void {
    this.#finish(run, run.task.attempts.map(returned));
    // What was fetched for it is of no use.
    run.stopping.abort();
    forget(run);
  }
}

/** What it needs is being fetched, or waits at a slot. */
function isPrepared({ ahead, order }: Run): boolean {
  return order !== null || ahead !== null;
}

function forget(run: Run): void {
  run.ahead?.slot.forget(run.ahead.handed);
  run.ahead = null;
}
