/** Carries out the core's orders on this machine: fetches what a run needs, has a task process
 *  compute it, puts the output where it belongs, and reports the outcome. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { AttemptReport } from "../core/event.ts";
import type { JobId } from "../core/ids.ts";
import type { Failure } from "../core/job.ts";
import { hostId } from "../link/host.ts";
import type { SharedInputs } from "../peer/input/shared-input.ts";
import { hit } from "../store/failpoint.ts";
import type { JobOpen, StageSources } from "../wire/manager/messages.ts";
import type { Executor, ExecutorEvents, Program, RunOrder, Serving } from "./executor.ts";
import { hasCompressed, streamSplit } from "./input/split.ts";
import type { OwnReach } from "./own-reach.ts";
import type { FromTask, ItemsOrder, TaskReport, ToTask } from "./process/messages.ts";
import { isLarge, partOf } from "./process/plan-part.ts";
import type { Programs } from "./programs/programs.ts";
import { doneReport, failureFrom, ProcessEnded, valueOutput } from "./run-reports.ts";
import { attemptName } from "./shuffle/attempt-name.ts";
import type { CoordinatorBlobs } from "./shuffle/blobs.ts";
import type { PartitionFetcher } from "./shuffle/fetch.ts";
import { startHandOver } from "./shuffle/hand-over.ts";
import { InputLinks } from "./shuffle/input-links.ts";
import type { OpenedJob, OpenJobs } from "./shuffle/jobs.ts";
import { PartitionsLost } from "./shuffle/local-segments.ts";
import { openFile } from "./shuffle/open-file.ts";
import type { Output, Outputs } from "./shuffle/outputs.ts";
import { waited } from "./shuffle/retry.ts";
import type { StoredOutputs } from "./shuffle/stored.ts";
import { LoadFailed, type Processes, type Taken } from "./slot/processes.ts";
import type { TaskProcess } from "./slot/task-process.ts";

export type ExecuteOptions = {
  readonly jobs: OpenJobs;
  readonly blobs: CoordinatorBlobs;
  readonly outputs: Outputs;
  readonly stored: StoredOutputs;
  readonly fetcher: PartitionFetcher;
  readonly processes: Processes;
  /** Whether outputs are left with the coordinator, for those who cannot fetch from here. */
  readonly reach: Pick<OwnReach, "leavesOutputs">;
  /** Files of members, as inputs. */
  readonly shared: SharedInputs;
  /** Of existing managers. */
  readonly programs: Pick<Programs, "bring">;
};

type Run = {
  readonly order: RunOrder;
  readonly job: OpenedJob;
  readonly stopping: AbortController;
  /** While it computes. */
  process: TaskProcess | null;
  /** Read of a split that has compressed files, as they are stored; absent: the task counts. */
  storedBytes?: number;
  /** Since when its process is loaded with the job, ms. */
  sinceMs: number;
};

/** An order, and the messages about it that arrived already, when it was sent together with the
 *  load; null = it is still to be sent. */
type Given = { readonly order: ToTask; readonly early: Taken["early"] };

export class NodeExecutor implements Executor {
  readonly #options: ExecuteOptions;
  readonly #events: ExecutorEvents;
  readonly #runs = new Map<number, Run>();
  /** Whether task processes can open the input files of this machine themselves. */
  #readsFiles = true;

  constructor(options: ExecuteOptions, events: ExecutorEvents) {
    this.#options = options;
    this.#events = events;
  }

  openJob(job: JobOpen, program?: Program): void {
    const { jobs, programs } = this.#options;
    jobs.open(job, program === undefined ? undefined : programs.bring(program));
  }

  closeJob(job: JobId): void {
    const { jobs, outputs, processes, stored } = this.#options;
    processes.closeJob(job);
    jobs.close(job);
    stored.closeJob(job);
    // What cannot be removed now is swept at the next start.
    outputs.closeJob(job).catch(() => {});
  }

  setSources(sources: StageSources): void {
    const job = this.#options.jobs.get(sources.job);
    job?.sources.set(sources.stage, sources);
    job?.asked.delete(sources.stage);
  }

  serving(): Serving {
    const served = this.#options.outputs.serving();
    const named = new Set(served.map(({ job }) => job));
    // Open jobs without outputs too: the coordinator can close those that ended meanwhile.
    const empty = this.#options.jobs.names.filter((job) => !named.has(job));
    return [...served, ...empty.map((job) => ({ job, stage: 0, tasks: [] }))];
  }

  readonly handOver = () => startHandOver({ ...this.#options, wait: waited }, this.#events);

  start(order: RunOrder): void {
    const job = this.#options.jobs.get(order.job);
    if (job === null) {
      const message = `${order.job} is not open on this worker`;
      this.#died(order, "all", { code: "unavailable", message });
      return;
    }
    const run: Run = { order, job, stopping: new AbortController(), process: null, sinceMs: 0 };
    this.#runs.set(order.run, run);
    this.#carryOut(run).then(
      () => this.#runs.delete(order.run),
      (error: unknown) => this.#failed(run, error),
    );
  }

  kill(id: number): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    this.#runs.delete(id);
    run.stopping.abort();
    if (run.process !== null) this.#options.processes.kill(run.order.slot);
  }

  async #carryOut(run: Run): Promise<void> {
    const { order, job } = run;
    const { signal } = run.stopping;
    const files = await job.files();
    signal.throwIfAborted();
    this.#phase(run, "loading");
    const kind = job.open.stages[order.stage]?.kind;
    const next = kind === "tasks" ? itemsOrder(order) : null;
    const taking = this.#options.processes.take(order.slot, { job, files, next });
    const { process, early } = await this.#untilKilled(run, taking);
    signal.throwIfAborted();
    run.process = process;
    run.sinceMs = performance.now();
    if (next !== null) await this.#items(run, process, { order: next, early });
    else if (kind === "map") await this.#map(run, process);
    else await this.#reduce(run, process);
  }

  /** A run that is killed while its code loads takes the process with it. */
  async #untilKilled(run: Run, taking: Promise<Taken>): Promise<Taken> {
    const { signal } = run.stopping;
    const kill = () => this.#options.processes.kill(run.order.slot);
    signal.addEventListener("abort", kill, { once: true });
    try {
      return await taking;
    } catch (error) {
      if (!signal.aborted) kill();
      throw error;
    } finally {
      signal.removeEventListener("abort", kill);
    }
  }

  /** Reports pass as they come; the run ends with the last. */
  async #items(run: Run, process: TaskProcess, given: Given): Promise<void> {
    const left = new Map(run.order.attempts.map(({ task, attempt }) => [task, attempt]));
    await this.#converse(run, process, given, (message) => {
      if (message.kind !== "reports") return false;
      // Job code may write to the channel, too: reports that are not owed end here.
      const owed = message.reports.filter(({ task, attempt }) => {
        return left.get(task) === attempt && left.delete(task);
      });
      if (owed.length === 0) return false;
      const reports = owed.map((report) =>
        report.kind === "done" ? doneReport(report, valueOutput(report)) : report,
      );
      this.#events.tell({ kind: "run-reported", run: run.order.run, reports });
      return left.size === 0;
    });
  }

  async #map(run: Run, process: TaskProcess): Promise<void> {
    const ref = run.order.attempts[0]!;
    const out = join(process.writeDir, attemptName(ref));
    const { plan } = await run.job.files();
    const { signal } = run.stopping;
    const { blobs, shared } = this.#options;
    const source = { job: ref.job, blobs, shared, signal };
    // Once the report is there, what was not read of the input is of no interest.
    const enough = new AbortController();
    let broken: unknown = null;
    if (hasCompressed(plan, ref.task)) run.storedBytes = 0;
    const isLinked = this.#readsFiles && process.hidesFiles;
    const links = isLinked ? new InputLinks(process.readDir, process.hasOwnUser) : null;
    const streaming = streamSplit({
      plan,
      task: ref.task,
      open: (file, index) => openFile(source, file, index),
      host: hostId(),
      sink: process.input,
      signal: AbortSignal.any([signal, enough.signal]),
      onRead: (inputBytes) => {
        if (run.storedBytes !== undefined) run.storedBytes = inputBytes;
      },
      ...(links === null ? {} : { direct: (path: string) => links.add(path) }),
    }).catch((error: unknown) => {
      if (!enough.signal.aborted && !process.over) broken = error;
    });
    const part = isLarge(plan) ? { part: partOf(plan, ref.task) } : {};
    const order = { kind: "map", task: ref.task, attempt: ref.attempt, out, ...part } as const;
    let report: TaskReport;
    try {
      report = await this.#oneReport(run, process, order);
    } catch (error) {
      throw broken ?? error;
    } finally {
      enough.abort();
      links?.remove();
    }
    await streaming;
    if (broken !== null) throw broken;
    if (report.kind === "failed" && report.failure.code === "download-failed" && links?.used) {
      // It has fewer rights than this process: from now on everything goes through the pipe.
      this.#readsFiles = false;
      return this.#map(run, process);
    }
    await this.#finish(run, report, out);
  }

  async #reduce(run: Run, process: TaskProcess): Promise<void> {
    const ref = run.order.attempts[0]!;
    const { task, attempt } = ref;
    const out = join(process.writeDir, attemptName(ref));
    const name = `${attemptName(ref)}.fetched`;
    this.#phase(run, "preparing");
    const { job } = run;
    const inputStage = ref.stage - 1;
    const renew = async (stage: number, signal: AbortSignal) => {
      job.sources.set(stage, await this.#options.blobs.sources(ref.job, stage, signal));
      job.asked.add(stage);
    };
    let report: TaskReport;
    try {
      // Never sent: they are more than one message holds, and may have changed since.
      const isAsked = job.asked.has(inputStage) || !job.sources.has(inputStage);
      if (isAsked) await renew(inputStage, run.stopping.signal);
      const { fetcher } = this.#options;
      const wanted = {
        job: ref.job,
        partition: task,
        sources: () => job.sources.get(inputStage) ?? null,
        renew,
        dir: process.readDir,
        name,
        signal: run.stopping.signal,
      };
      const segments = await fetcher.segments(wanted);
      const { stage } = ref;
      const order = { kind: "reduce", stage, task, attempt, out, segments } as const;
      report = await this.#oneReport(run, process, order);
      const isUnread = report.kind === "failed" && report.failure.code === "storage-failed";
      if (isUnread) await fetcher.findDamage(wanted, segments);
    } finally {
      await rm(join(process.readDir, name), { force: true });
    }
    await this.#finish(run, report, out);
  }

  /** Puts the output of a map or reduce attempt where it belongs, and reports it. */
  async #finish(run: Run, report: TaskReport, out: string): Promise<void> {
    if (report.kind === "failed") {
      this.#report(run, report);
      return;
    }
    this.#phase(run, "storing");
    const ref = run.order.attempts[0]!;
    const { signal } = run.stopping;
    const { blobs, outputs } = this.#options;
    const isFinal = (run.job.open.stages[ref.stage]?.partitionCount ?? 0) === 0;
    const { records, sizeBytes } = report;
    let root = "";
    let isStored = false;
    if (!isFinal) {
      const output = await outputs.keep(ref, out, report.root);
      isStored = await this.#leave(run, output);
      root = output.root;
    } else if (sizeBytes > 0) {
      hit("worker.upload", "before");
      const isOurs = (await run.job.files()).plan.operator !== undefined;
      const part = `${out}.part`;
      const stored = isOurs
        ? blobs.hand(part, report.root, signal)
        : blobs.upload(part, report.root, signal);
      root = (await stored).hash;
      hit("worker.upload", "after");
    }
    // Its name is fixed, so the one that the task reports is not needed.
    const bad = report.badRecordsPath === undefined ? null : `${out}.bad`;
    const badRecords =
      bad === null ? {} : { badRecords: (await blobs.upload(bad, null, signal)).hash };
    signal.throwIfAborted();
    // With what it fetched and stored: by computing alone a far line would make it a straggler.
    const durationMs = performance.now() - run.sinceMs;
    const done = { ...report, durationMs, inputBytes: run.storedBytes ?? report.inputBytes };
    const where = isStored ? ({ isStored } as const) : {};
    this.#report(run, doneReport(done, { root, sizeBytes, records, ...badRecords, ...where }));
    await Promise.all([`${out}.part`, `${out}.bad`].map((path) => rm(path, { force: true })));
  }

  /** Leaves an output with others where that is asked for. True: it outlives this worker. */
  async #leave({ job, stopping: { signal } }: Run, output: Output): Promise<boolean> {
    const { blobs, reach, stored } = this.#options;
    const isAsked = job.open.shuffle === "s3" && stored.takes(output);
    if (isAsked && (await stored.put(output, signal))) return true;
    if (isAsked || (await reach.leavesOutputs())) await blobs.relay(output, signal);
    return isAsked;
  }

  async #oneReport(run: Run, process: TaskProcess, order: ToTask): Promise<TaskReport> {
    const { task, attempt } = run.order.attempts[0]!;
    let found: TaskReport | undefined;
    await this.#converse(run, process, { order, early: null }, (message) => {
      if (message.kind !== "reports") return false;
      found = message.reports.find((report) => report.task === task && report.attempt === attempt);
      return found !== undefined;
    });
    return found as TaskReport;
  }

  /** Gives the order and listens until `heard` returns true: everything has been reported. Throws
   *  `ProcessEnded` when the process ends before. */
  #converse(
    run: Run,
    process: TaskProcess,
    { order, early }: Given,
    heard: (message: FromTask) => boolean,
  ): Promise<void> {
    this.#phase(run, "computing");
    return new Promise((resolve, reject) => {
      process.listen = (message) => {
        if (message.kind === "log" || message.kind === "progress") this.#note(run, message);
        else if (heard(message)) {
          process.listen = null;
          resolve();
        }
      };
      process.onEnd((failure) => reject(new ProcessEnded(failure)));
      if (early === null) process.send(order);
      else for (const message of early) process.listen?.(message);
    });
  }

  #note(run: Run, message: Extract<FromTask, { kind: "log" | "progress" }>): void {
    const { task, attempt } = message;
    const isOurs = run.order.attempts.some((ref) => ref.task === task && ref.attempt === attempt);
    if (!isOurs) return;
    const of = { job: run.order.job, stage: run.order.stage, task, attempt };
    if (message.kind === "log") {
      this.#events.note({ logs: message.lines.map((line) => ({ ...of, line })) });
    } else {
      const inputBytes = run.storedBytes ?? message.inputBytes;
      this.#events.note({ progress: [{ ...of, inputBytes }] });
    }
  }

  #phase(run: Run, phase: "preparing" | "loading" | "computing" | "storing"): void {
    if (run.stopping.signal.aborted) return;
    this.#events.tell({ kind: "run-phase", run: run.order.run, phase });
  }

  #report(run: Run, report: AttemptReport): void {
    this.#events.tell({ kind: "run-reported", run: run.order.run, reports: [report] });
  }

  #failed(run: Run, error: unknown): void {
    const { order, stopping } = run;
    if (!this.#runs.delete(order.run) || stopping.signal.aborted) return;
    if (error instanceof ProcessEnded) this.#died(order, "current", error.failure);
    else if (error instanceof LoadFailed) {
      if (error.failure.code === "storage-failed") run.job.refetch();
      this.#died(order, "all", error.failure);
    } else if (error instanceof PartitionsLost) {
      const { task, attempt } = order.attempts[0]!;
      const failure = failureFrom(error);
      const { lostTasks } = error;
      this.#report(run, { kind: "failed", task, attempt, durationMs: 0, failure, lostTasks });
    } else this.#died(order, "all", failureFrom(error));
  }

  #died(order: RunOrder, blame: "all" | "current", failure: Failure): void {
    this.#events.tell({ kind: "run-died", run: order.run, blame, failure });
  }
}

function itemsOrder({ attempts }: RunOrder): ItemsOrder {
  return { kind: "tasks", items: attempts.map(({ task, attempt }) => ({ task, attempt })) };
}
