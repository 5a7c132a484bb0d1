/** Runs the tasks of a tab: what each reads is fetched and verified here, what it made is put where
 *  it belongs; job code sees neither address nor ticket. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { BrowserBody } from "../../../wire/browser/messages.ts";
import type { FromTaskWorker, TaskFiles, TaskInput } from "../contract.ts";
import { type Calls, putBytes } from "./calls.ts";
import { PartitionLost, TaskInputs } from "./inputs.ts";
import type { TabLimits, TaskShown } from "./page-messages.ts";
import { Unreadable } from "./pieces.ts";
import { type DoneReport, HeardReports } from "./reports.ts";
import type { TabTask } from "./session.ts";
import { Rests } from "./slots/rests.ts";
import type { Slot } from "./slots/slot.ts";

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
  readonly newSlot: (index: number) => Slot;
};

type Run = {
  readonly task: TabTask;
  readonly stopping: AbortController;
  slot: Slot | null;
  /** What it needs, being fetched; null = not yet. */
  order: Promise<TaskInput> | null;
  state: TaskShown["state"];
};

export class TaskRunner {
  doneCount = 0;
  failedCount = 0;
  fetchedBytes = 0;
  sentBytes = 0;
  busyMs = 0;
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
    this.#inputs = new TaskInputs(options.limits);
  }

  get shown(): TaskShown[] {
    return [...this.#runs.values()].map(({ state, task }) => {
      const { attempts, codeHash, job, jobName, kind, owner, tid } = task;
      return { tid, job, jobName, owner, codeHash, kind, tasks: attempts.length, state };
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
    const run: Run = {
      task,
      stopping: new AbortController(),
      slot: null,
      order: null,
      state: "queued",
    };
    this.#runs.set(task.tid, run);
    if (this.#isPaused) this.#giveBack(run);
    else this.#next();
  }

  /** Nobody wants it any more. */
  stop(tid: number): void {
    const run = this.#runs.get(tid);
    if (run === undefined) return;
    this.#runs.delete(tid);
    run.stopping.abort();
    run.slot?.stop();
  }

  #next(): void {
    this.#options.ears.changed();
    if (this.#isPaused) return;
    for (const run of this.#runs.values()) {
      if (run.state !== "queued") continue;
      const slot = this.#slots.find((one) => one.index < this.#wanted && !this.#busy.has(one));
      if (slot !== undefined) void this.#serve(run, slot);
      else if (!this.#fetchAhead(run)) return;
    }
  }

  /** While the slots compute, what comes next is fetched: one task for each slot. */
  #fetchAhead(run: Run): boolean {
    if (run.order !== null) return true;
    const waiting = [...this.#runs.values()].filter(
      ({ order, state }) => state === "queued" && order !== null,
    );
    if (waiting.length >= this.#wanted) return false;
    run.order = this.#inputs.order(run.task, this.#calls(run));
    // Whoever awaits it hears of it.
    run.order.catch(() => {});
    return true;
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

  /** What its Worker told; null when the task is over already. */
  async #computed(run: Run, slot: Slot): Promise<HeardReports | null> {
    const { task, stopping } = run;
    const { signal } = stopping;
    let heard = new HeardReports(task.attempts, "");
    try {
      run.order ??= this.#inputs.order(run.task, this.#calls(run));
      const order = await run.order;
      // Its buffers are handed over.
      run.order = null;
      heard = new HeardReports(task.attempts, order.code);
      if (!(await slot.ready(this.#options.limits.sandboxMs))) {
        throw new Unreadable("its browser starts no sandbox");
      }
      signal.throwIfAborted();
      this.#phase(run, "computing");
      this.#options.ears.began(task.tid);
      await this.#compute(run, slot, order, heard);
      return heard;
    } catch (error) {
      if (error instanceof Unreadable && !signal.aborted) {
        this.#giveBack(run);
        this.#options.ears.unable(error.message);
      } else if (!signal.aborted) this.#fail(run, error, heard);
      return null;
    }
  }

  async #deliver(run: Run, heard: HeardReports): Promise<void> {
    const { signal } = run.stopping;
    try {
      this.#phase(run, "storing");
      const reports = await this.#stored(run, heard);
      if (signal.aborted) return;
      this.#finish(run, reports);
    } catch (error) {
      if (!signal.aborted) this.#fail(run, error, heard);
    }
  }

  #compute(run: Run, slot: Slot, input: TaskInput, heard: HeardReports): Promise<void> {
    const { tid, timeoutMs, attempts } = run.task;
    const { share } = this.#rests;
    const sinceMs = performance.now();
    return new Promise((resolve, reject) => {
      const over = (failure: ClusterError | null) => {
        const tookMs = performance.now() - sinceMs;
        this.#rests.ran(slot, tookMs);
        this.busyMs += Math.max(0, tookMs - slot.restedMs);
        run.stopping.signal.removeEventListener("abort", stopped);
        if (failure === null) resolve();
        else reject(failure);
      };
      const stopped = () => over(new ClusterError("unavailable", "it was stopped"));
      run.stopping.signal.addEventListener("abort", stopped, { once: true });
      const said = (message: FromTaskWorker) => {
        heard.hear(message);
        const isOurs = (task: unknown) => attempts.some(([ours]) => ours === task);
        if (message?.kind === "log" && isOurs(message.task) && Array.isArray(message.lines)) {
          for (const line of message.lines) {
            this.#options.ears.logged(tid, message.task, String(line).slice(0, 4_096));
          }
        } else if (message?.kind === "progress" && isOurs(message.task)) {
          this.#options.ears.progressed(tid, message.task, Number(message.inputBytes) || 0);
        }
      };
      slot.run({ ...input, share }, { timeoutMs, share }, { said, over });
    });
  }

  #calls(run: Run): Calls {
    const { origin, limits } = this.#options;
    return {
      origin,
      signal: run.stopping.signal,
      patienceMs: limits.patienceMs,
      moved: (bytes, way) => {
        if (way === "fetched") this.fetchedBytes += bytes;
        else this.sentBytes += bytes;
        this.#options.ears.changed();
      },
    };
  }

  /** Puts the outputs where they belong; the reports with what came of it. */
  async #stored(run: Run, heard: HeardReports): Promise<readonly AttemptReport[]> {
    if (heard.loadFailure !== null) {
      throw new ClusterError(heard.loadFailure.code, heard.loadFailure.message);
    }
    const { reports } = heard;
    const [only] = reports;
    if (run.task.kind === "tasks" || only?.kind !== "done") return reports;
    const output = await this.#put(run, only, heard.files);
    return [{ ...only, output }];
  }

  async #put(run: Run, { output }: DoneReport, files: TaskFiles): Promise<DoneReport["output"]> {
    const { partitionCount, place } = run.task;
    const calls = this.#calls(run);
    let { root } = output;
    if (partitionCount > 0) {
      await putBytes(calls, `${place}/manifest`, files.manifest ?? []);
      await putBytes(calls, `${place}/run`, files.run ?? []);
    } else if (output.sizeBytes > 0) {
      root = hashIn(await putBytes(calls, `${place}/part`, files.part ?? []));
    } else root = "";
    if (files.bad === undefined) return { ...output, root };
    const badRecords = hashIn(await putBytes(calls, `${place}/bad`, files.bad));
    return { ...output, root, badRecords };
  }

  #phase(run: Run, state: TaskShown["state"]): void {
    run.state = state;
    this.#options.ears.changed();
  }

  #finish(run: Run, reports: readonly AttemptReport[]): void {
    const { tid, type, place } = run.task;
    for (const { kind } of reports) {
      if (kind === "done") this.doneCount++;
      else if (kind === "failed") this.failedCount++;
    }
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

  /** What was reported before stays: only the attempt at hand has failed, others are given back. */
  #fail(run: Run, error: unknown, heard: HeardReports): void {
    const { kind, tid, attempts } = run.task;
    const failed = error instanceof PartitionLost ? error.problem : error;
    const failure = {
      code: failed instanceof ClusterError ? failed.code : ("task-crashed" as const),
      message: failed instanceof ClusterError ? failed.text : `the tab: ${String(failed)}`,
    };
    const stack = heard.loadFailure?.stack;
    const whole = stack === undefined ? failure : { ...failure, stack };
    const [current, ...others] = heard.left;
    const isBegun = kind === "tasks" && heard.loadFailure === null && heard.reports.length > 0;
    if (isBegun && current !== undefined && attempts.length > 1) {
      const [task, attempt] = current;
      this.#finish(run, [
        ...heard.reports,
        { kind: "failed", task, attempt, durationMs: 0, failure: whole },
        ...others.map(returned),
      ]);
      return;
    }
    this.failedCount += attempts.length;
    this.#runs.delete(tid);
    const lost = error instanceof PartitionLost ? { lostTasks: [error.task] } : {};
    const more = { tid, failure: whole, ...lost };
    const text = failure.message.slice(0, 4_000);
    this.#options.ears.ended(tid, { action: "error", uid: null, error: text, more });
  }

  #giveBack(run: Run): void {
    this.#finish(run, run.task.attempts.map(returned));
    // What was fetched for it is of no use.
    run.stopping.abort();
  }
}

function returned([task, attempt]: readonly [number, number]): AttemptReport {
  return { kind: "returned", task, attempt, durationMs: 0 };
}

function hashIn(stored: unknown): string {
  const { hash } = (stored ?? {}) as { hash?: unknown };
  return typeof hash === "string" ? hash : "";
}
