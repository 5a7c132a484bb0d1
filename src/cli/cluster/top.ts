/** `tequio top`: workers and running jobs, drawn again and again until Ctrl-C. */
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { openClient } from "../connection.ts";
import { countText, durationText, parseDuration, plural } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { openScreen, styled } from "../screen.ts";
import { cut, oneLine, table } from "../text.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly once?: boolean;
  readonly every: string;
};

/** What one look at the cluster has seen. */
export type Look = {
  readonly atMs: number;
  readonly workers: readonly WorkerSummary[];
  readonly jobs: readonly JobSummary[];
};

/** Where nothing can be drawn over, and of terminals that do not say how high they are. */
const rowsDefault = 24;
const everyLeastMs = 100;

export function define(command: Command): void {
  command
    .option("--every <duration>", "time between two looks", "1s")
    .option("--once", "look once, as without a terminal");
  withExamples(withJson(withTarget(command)), [
    ["tequio top", "watch this machine's cluster; Ctrl-C ends it"],
    ["tequio top --once", "print it once"],
    ["tequio top --json", "a line of JSON for each look, until Ctrl-C"],
  ]).action(top);
}

async function top(options: Options): Promise<void> {
  const everyMs = Math.max(everyLeastMs, parseDuration(options.every, "--every"));
  const client = await openClient(options);
  const screen = openScreen(process.stdout);
  const isOnce = options.once === true || !(options.json || screen.live);
  let before: Look | null = null;
  for (;;) {
    const [workers, jobs] = await Promise.all([client.workers(), client.jobs()]);
    const look = { atMs: performance.now(), workers, jobs };
    if (options.json) console.log(JSON.stringify(numbersOf(look, before)));
    else {
      const rows = screen.live ? (process.stdout.rows || rowsDefault) - 1 : Infinity;
      const lines = linesOf(look, before).slice(0, rows);
      if (isOnce) console.log([bold(lines[0] ?? ""), ...lines.slice(1)].join("\n"));
      else
        screen.draw(
          lines.map((line) => cut(line, screen.width())),
          bold,
        );
    }
    if (isOnce || (options.json && options.once)) return;
    before = look;
    await delay(everyMs);
  }
}

const bold = (line: string) => styled("bold", line);

/** `before`: the look of a moment ago, to tell rates; null = none. */
export function linesOf(look: Look, before: Look | null): string[] {
  const { busySlots, slots, tasksPerS, workersLive } = numbersOf(look, before);
  const rate = tasksPerS === null ? "" : `, ${countText(Math.round(tasksPerS))} tasks/s`;
  const busy = `${countText(busySlots)} of ${plural(slots, "slot")} busy`;
  const head = `${plural(workersLive, "worker")}, ${busy}${rate}`;
  const running = look.jobs.filter(({ state }) => state === "running");
  const jobs = table(
    ["JOB", "NAME", "OWNER", "TASKS", "RUNNING", "TIME", "WAITS FOR"],
    running.map(jobRow),
    [3, 4, 5],
  );
  const live = look.workers.filter(({ state }) => state === "live");
  const workers = table(
    ["WORKER", "NAME", "BUSY", "WAITING", "DONE", "TASKS/S", "FAILED"],
    live.map((worker) => workerRow(worker, look, before)),
    [2, 3, 4, 5, 6],
  );
  return [
    head,
    "",
    ...(running.length === 0 ? ["no job is running"] : jobs),
    "",
    ...(live.length === 0 ? ["no workers; add this machine with: tequio join <url>"] : workers),
  ];
}

function jobRow(job: JobSummary): string[] {
  const sum = (of: (stage: JobSummary["stages"][number]) => number) =>
    job.stages.reduce((all, stage) => all + of(stage), 0);
  return [
    job.job,
    oneLine(job.name),
    oneLine(job.owner),
    `${countText(sum(({ done }) => done))}/${countText(sum(({ taskCount }) => taskCount))}`,
    countText(sum(({ running }) => running)),
    durationText(job.atMs - job.submittedAtMs),
    oneLine(job.waitingFor),
  ];
}

function workerRow(worker: WorkerSummary, look: Look, before: Look | null): string[] {
  const earlier = before?.workers.find((one) => one.worker === worker.worker);
  const rate =
    before === null || earlier === undefined
      ? "-"
      : countText(Math.round(perSecond(worker.done - earlier.done, look, before)));
  return [
    worker.worker,
    oneLine(worker.name),
    `${countText(worker.running)}/${countText(worker.slots)}`,
    countText(worker.queued ?? 0),
    countText(worker.done),
    rate,
    countText(worker.failed),
  ];
}

function numbersOf(look: Look, before: Look | null) {
  const live = look.workers.filter(({ state }) => state === "live");
  const sum = (of: (worker: WorkerSummary) => number, all = live) =>
    all.reduce((total, worker) => total + of(worker), 0);
  const done = (one: Look) => sum((worker) => worker.done, [...one.workers]);
  return {
    workersLive: live.length,
    slots: sum(({ slots }) => slots),
    // Of a tab all that it was sent counts as running.
    busySlots: sum(({ running, slots }) => Math.min(running, slots)),
    jobsRunning: look.jobs.filter(({ state }) => state === "running").length,
    /** Null at the first look. */
    tasksPerS: before === null ? null : perSecond(done(look) - done(before), look, before),
  };
}

function perSecond(count: number, look: Look, before: Look): number {
  return (count * 1_000) / Math.max(1, look.atMs - before.atMs);
}
