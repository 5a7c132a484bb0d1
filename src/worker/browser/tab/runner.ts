/** Runs the tasks of a tab: what each reads is fetched and verified here, what it made is put where
 *  it belongs; job code sees neither address nor ticket. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { Plan } from "../../../wire/block/plan.ts";
import type { BrowserBody } from "../../../wire/browser/messages.ts";
import type { FromTaskWorker, TaskFiles, TaskOrder } from "../contract.ts";
import { type Calls, fetchBytes, putBytes } from "./calls.ts";
import { KeptBlobs } from "./kept.ts";
import type { TabLimits, TaskShown } from "./page-messages.ts";
import { piecesOf } from "./pieces.ts";
import { type DoneReport, HeardReports } from "./reports.ts";
import type { TabTask } from "./session.ts";
import type { Slot } from "./slot.ts";

export type RunnerEars = {
  readonly began: (tid: number) => void;
  readonly logged: (tid: number, task: number, line: string) => void;
  readonly progressed: (tid: number, task: number, inputBytes: number) => void;
  readonly ended: (tid: number, body: Extract<BrowserBody, { action: "finish" | "error" }>) => void;
  readonly changed: () => void;
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
  state: TaskShown["state"];
};

const fetchesAtOnce = 6;
const textDecoder = new TextDecoder();

export class TaskRunner {
  doneCount = 0;
  failedCount = 0;
  fetchedBytes = 0;
  sentBytes = 0;
  busyMs = 0;
  share = 1;
  readonly #options: RunnerOptions;
  readonly #kept: KeptBlobs;
  readonly #plans = new Map<string, Promise<Plan>>();
  readonly #runs = new Map<number, Run>();
  /** Free and taken; those beyond `#wanted` go when they are free. */
  readonly #slots: Slot[] = [];
  readonly #busy = new Set<Slot>();
  #wanted = 0;
  #isPaused = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#kept = new KeptBlobs(options.limits.keptMaxBytes);
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

  resize(slots: number): void {
    this.#wanted = slots;
    for (let i = this.#slots.length; i < slots; i++) this.#slots.push(this.#options.newSlot(i));
    this.#next();
  }

  /** What has not begun is given back while it is paused. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#next();
    else for (const run of this.#runs.values()) if (run.state === "queued") this.#giveBack(run);
  }

  add(task: TabTask): void {
    const run: Run = { task, stopping: new AbortController(), slot: null, state: "queued" };
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
      if (slot === undefined) return;
      void this.#serve(run, slot);
    }
  }

  async #serve(run: Run, slot: Slot): Promise<void> {
    this.#busy.add(slot);
    run.slot = slot;
    run.state = "fetching";
    const sinceMs = performance.now();
    await this.#carryOut(run, slot);
    const tookMs = performance.now() - sinceMs;
    this.busyMs += tookMs;
    run.slot = null;
    if (this.share < 1 && run.task.kind !== "tasks") {
      const restMs = (tookMs * (1 - this.share)) / this.share;
      await new Promise((resolve) => setTimeout(resolve, Math.min(restMs, 60_000)));
    }
    this.#busy.delete(slot);
    this.#next();
  }

  async #carryOut(run: Run, slot: Slot): Promise<void> {
    const { task, stopping } = run;
    const { signal } = stopping;
    const heard = new HeardReports(task.attempts);
    try {
      const order = await this.#order(run);
      await slot.ready(this.#options.limits.sandboxMs);
      signal.throwIfAborted();
      this.#phase(run, "computing");
      this.#options.ears.began(task.tid);
      await this.#compute(run, slot, order, heard);
      this.#phase(run, "storing");
      const reports = await this.#stored(run, heard);
      if (signal.aborted) return;
      this.#finish(run, reports);
    } catch (error) {
      if (!signal.aborted) this.#fail(run, error, heard);
    }
  }

  #compute(run: Run, slot: Slot, order: TaskOrder, heard: HeardReports): Promise<void> {
    const { tid, timeoutMs, attempts } = run.task;
    return new Promise((resolve, reject) => {
      const over = (failure: ClusterError | null) => {
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
      slot.run(order, timeoutMs, { said, over });
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

  /** Everything that the task needs, fetched. */
  async #order(run: Run): Promise<TaskOrder> {
    const { task } = run;
    const { codeHash, kind, place, planHash } = task;
    const calls = this.#calls(run);
    const [plan, code] = await Promise.all([
      this.#plan(planHash, calls, place),
      this.#kept.get(codeHash, () => fetchBytes(calls, `${place}/code`)),
    ]);
    const [[index = 0] = []] = task.attempts;
    const inputs = kind === "map" ? await this.#pieces(run, plan, index) : [];
    const segments = kind === "reduce" ? await this.#segments(run) : [];
    return {
      kind,
      code: plan.operator === undefined ? textDecoder.decode(code) : "",
      plan: partOf(plan, kind === "map" ? index : -1),
      attempts: task.attempts.map(([one, attempt]) => ({ task: one, attempt })),
      pieces: inputs,
      segments,
      items: kind === "tasks" ? await itemsOf(calls, task) : [],
      filesMaxBytes: this.#options.limits.filesMaxBytes,
      share: this.share,
    };
  }

  async #plan(hash: string, calls: Calls, place: string): Promise<Plan> {
    const bytes = await this.#kept.get(hash, () => fetchBytes(calls, `${place}/plan`));
    let plan = this.#plans.get(hash);
    if (plan === undefined) {
      // One is enough: tasks come job by job.
      this.#plans.clear();
      plan = Promise.resolve(JSON.parse(textDecoder.decode(bytes)) as Plan);
      this.#plans.set(hash, plan);
    }
    return plan;
  }

  #pieces(run: Run, plan: Plan, index: number): ReturnType<typeof piecesOf> {
    const calls = this.#calls(run);
    const { place } = run.task;
    let held = 0;
    return piecesOf(plan, index, (file, start, end) => {
      held += end - start;
      this.#checkSize(held);
      // No range of no bytes can be asked for.
      if (start >= end) return Promise.resolve(new Uint8Array(0));
      return fetchBytes(calls, `${place}/file/${file}`, [start, end]);
    });
  }

  /** In the order of the map tasks; of a partition that cannot be had the map task is named. */
  async #segments(run: Run): Promise<Uint8Array[]> {
    const { inputCount, place } = run.task;
    const calls = this.#calls(run);
    const segments: Uint8Array[] = new Array(inputCount);
    let next = 0;
    let held = 0;
    const lane = async () => {
      for (let i = next++; i < inputCount; i = next++) {
        try {
          segments[i] = await fetchBytes(calls, `${place}/in/${i}`);
        } catch (error) {
          if (error instanceof ClusterError) throw new PartitionLost(i, error);
          throw error;
        }
        held += (segments[i] as Uint8Array).length;
        this.#checkSize(held);
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, lane));
    return segments;
  }

  #checkSize(held: number): void {
    const { filesMaxBytes } = this.#options.limits;
    if (held <= filesMaxBytes) return;
    throw new ClusterError(
      "limit-exceeded",
      `the task reads more than the ${filesMaxBytes} bytes that a tab may hold; ` +
        "use smaller splits or more reducers, or Node workers",
    );
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
  }
}

function returned([task, attempt]: readonly [number, number]): AttemptReport {
  return { kind: "returned", task, attempt, durationMs: 0 };
}

/** A partition that nobody has any more, or that cannot be fetched. */
class PartitionLost extends Error {
  readonly task: number;
  readonly problem: ClusterError;

  constructor(task: number, problem: ClusterError) {
    super(problem.message);
    this.task = task;
    this.problem = problem;
  }
}

/** What one task needs of the plan; splits and files keep their places. */
function partOf(plan: Plan, index: number): Plan {
  const splits: Plan["splits"][number][] = [];
  const files: Plan["files"][number][] = [];
  const split = plan.splits[index];
  if (split !== undefined) splits[index] = split;
  for (const [file] of split?.pieces ?? []) {
    const found = plan.files[file];
    if (found !== undefined) files[file] = found;
  }
  return { ...plan, splits, files, items: null };
}

/** In the order of the attempts; the coordinator gives them in the order of the tasks. */
async function itemsOf(calls: Calls, { attempts, place }: TabTask): Promise<string[]> {
  const lines = textDecoder.decode(await fetchBytes(calls, `${place}/in/0`)).split("\n");
  const order = attempts.map(([task]) => task).sort((a, b) => a - b);
  const byTask = new Map(order.map((task, i) => [task, lines[i] ?? "null"]));
  return attempts.map(([task]) => byTask.get(task) as string);
}

function hashIn(stored: unknown): string {
  const { hash } = (stored ?? {}) as { hash?: unknown };
  return typeof hash === "string" ? hash : "";
}
