/** Messages of tabs about their tasks: reports for the core, notes for people. A report is
 *  acknowledged only when it is durable. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { Failure } from "../../../core/job.ts";
import { encodeBrowser } from "../../../wire/browser/codec.ts";
import type { BrowserBody } from "../../../wire/browser/messages.ts";
import { printable } from "../../../wire/browser/printable.ts";
import type { NewEvent } from "../../loop/journal.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Timers } from "../../loop/timers.ts";
import type { NoteSink } from "../worker/note-sink.ts";
import type { StatusEvent } from "../worker/reports.ts";
import { parseError, parseFinish, parseNote } from "./claims.ts";
import { refsOf, type TabRun } from "./runs.ts";
import type { Tab } from "./tab.ts";

export type ReportOptions = {
  readonly loop: Loop;
  readonly timers: Timers;
  readonly notes: NoteSink;
  /** Replaces reports whose output is missing. */
  readonly checked: (event: StatusEvent) => StatusEvent | Promise<StatusEvent>;
  /** The output that the run of a basic browser has left at its addresses. */
  readonly collect: (run: TabRun, urls: readonly string[]) => Promise<AttemptReport>;
  /** One line for people. */
  readonly print: (line: string) => void;
  /** The run is reported, durably. */
  readonly over: (tab: Tab, run: TabRun) => void;
  /** Whether the tab is connected and has the run. */
  readonly isRunning: (run: TabRun) => boolean;
};

/** Delay before a report that could not be written is posted again, ms. */
const againMs = 1_000;

type Body<A extends BrowserBody["action"]> = Extract<BrowserBody, { action: A }>;

export class TabReports {
  readonly #options: ReportOptions;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  finished(tab: Tab, body: Body<"finish">): void {
    const run = tab.runs.get(body.tid);
    if (run === undefined || run.type !== body.type) {
      // Late: the attempt was taken from it, or this is a repetition.
      if (!tab.isBasic) tab.send(encodeBrowser({ action: "ack", uid: tab.uid, tid: body.tid }));
      return;
    }
    const foreign = body.url.find((url) => !pathOf(url).startsWith(`/t/${run.ticket}/`));
    if (foreign !== undefined) {
      const place = printable(foreign, 100);
      const message = `it names a result at ${place}, which is not an address that it was given`;
      this.#fail(tab, run, { code: "user-error", message });
      return;
    }
    const { more, url } = body;
    void this.#end(tab, run, async () =>
      more === null ? [await this.#options.collect(run, url.map(pathOf))] : parseFinish(more),
    );
  }

  /** For a run that continues. Resolves when they are durable; rejects when they cannot be written
   *  now. */
  async early(tab: Tab, run: TabRun, reports: readonly AttemptReport[]): Promise<void> {
    const told = reports.filter((one) => run.attempts.get(one.task) === one.attempt);
    if (told.length === 0) return;
    const { checked, loop, notes } = this.#options;
    const { job, stage } = run;
    const of = { worker: tab.worker, job, stage } as const;
    await loop.post(await checked({ kind: "attempts-reported", ...of, reports: told }));
    for (const { attempt, task } of told) {
      if (run.attempts.get(task) === attempt) run.attempts.delete(task);
      notes.ended(job, { stage, task });
    }
  }

  /** The run cannot be sent to the browser. */
  refuse(tab: Tab, run: TabRun, failure: Failure): void {
    this.#fail(tab, run, failure);
  }

  failed(tab: Tab, { error, more }: Body<"error">): void {
    const told = more === null ? null : parseError(more);
    const message = error.slice(0, 4_000);
    for (const run of [...tab.runs.values()]) {
      if (told === null ? !tab.computes(run) : told.tid !== run.tid) continue;
      if (told !== null) this.#fail(tab, run, told.failure, told.lostTasks);
      else if (run.missed.size === 0) this.#fail(tab, run, { code: "user-error", message });
      else this.#fail(tab, run, { code: "download-failed", message }, [...run.missed.keys()]);
    }
  }

  noted(tab: Tab, { more }: Body<"note">): void {
    const { left, logs, paused, progress, slots, started } = parseNote(more);
    tab.hasLeft ||= left === true;
    const { notes } = this.#options;
    for (const [tid, task, line] of logs) {
      const run = tab.runs.get(tid);
      if (run === undefined) continue;
      // Of one that was reported early the lines count, as before.
      const attempt = run.attempts.get(task) ?? 0;
      notes.logged({ job: run.job, stage: run.stage, task, attempt }, line);
    }
    for (const [tid, task, inputBytes] of progress) {
      const run = tab.runs.get(tid);
      if (run !== undefined) notes.progressed(run.job, { stage: run.stage, task }, inputBytes);
    }
    const attempts = started.flatMap((tid) => {
      const run = tab.runs.get(tid);
      return run === undefined ? [] : refsOf(run);
    });
    const { worker } = tab;
    if (attempts.length > 0) this.#post({ kind: "attempts-started", worker, attempts });
    if (slots !== undefined && slots !== tab.slots) this.#resize(tab, slots);
    if (paused === undefined || paused === tab.paused) return;
    tab.paused = paused;
    const reason = printable(paused, 200);
    if (paused === "") this.#post({ kind: "worker-resumed", worker });
    else this.#post({ kind: "worker-paused", worker, reason });
  }

  #resize(tab: Tab, slots: number): void {
    const before = tab.slots;
    tab.slots = slots;
    const event = { kind: "worker-resized", worker: tab.worker, slots } as const;
    // The next note repeats it.
    this.#options.loop.post(event).catch(() => {
      tab.slots = before;
    });
  }

  #fail(tab: Tab, run: TabRun, failure: Failure, lostTasks?: readonly number[]): void {
    const lost = lostTasks === undefined ? {} : { lostTasks };
    void this.#end(tab, run, async () =>
      refsOf(run).map(({ attempt, task }) => {
        return { kind: "failed", task, attempt, durationMs: 0, failure, ...lost };
      }),
    );
  }

  /** Attempts that are not reported are returned. */
  async #end(
    tab: Tab,
    run: TabRun,
    reportsOf: () => Promise<readonly AttemptReport[]>,
  ): Promise<void> {
    if (run.ending) return;
    run.ending = true;
    const { checked, loop, notes, over } = this.#options;
    const { job, stage } = run;
    try {
      const told = (await reportsOf()).filter((one) => run.attempts.get(one.task) === one.attempt);
      const reports = [...told, ...givenBack(run, told)];
      const event = { kind: "attempts-reported", worker: tab.worker, job, stage, reports } as const;
      await loop.post(await checked(event));
      for (const { task } of reports) notes.ended(job, { stage, task });
      over(tab, run);
    } catch (error) {
      run.ending = false;
      const known = error instanceof ClusterError ? error : bugOf(error);
      this.#options.print(printable(`${tab.worker}: ${known.cause ?? known.text}`));
      if (known.retryable) this.#again(tab, run, reportsOf);
      else this.#fail(tab, run, { code: "task-crashed", message: known.text });
    }
  }

  /** Not durable now; a tab sends it again only over another connection. */
  #again(tab: Tab, run: TabRun, reportsOf: () => Promise<readonly AttemptReport[]>): void {
    this.#options.timers.after(againMs, () => {
      if (this.#options.isRunning(run)) void this.#end(tab, run, reportsOf);
    });
  }

  /** What cannot be written now is detected again: by the next note, or the next start. */
  #post(event: NewEvent): void {
    this.#options.loop.post(event).catch(() => {});
  }
}

/** A failing disk or a bug in the coordinator: neither the browser's fault, nor a reason to
 *  stop. */
export function bugOf(cause: unknown): ClusterError {
  const text = "the coordinator failed, see its output; it will retry";
  return new ClusterError("unavailable", text, { cause });
}

function givenBack(run: TabRun, told: readonly AttemptReport[]): AttemptReport[] {
  const tasks = new Set(told.map(({ task }) => task));
  return refsOf(run)
    .filter(({ task }) => !tasks.has(task))
    .map(({ attempt, task }) => ({ kind: "returned", task, attempt, durationMs: 0 }));
}

/** The path of an address that may be absolute or relative. */
function pathOf(url: string): string {
  return URL.parse(url, "http://gateway")?.pathname ?? "";
}
