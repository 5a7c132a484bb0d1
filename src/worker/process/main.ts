/** The process that runs user code: takes orders of its supervisor one at a time until the channel
 *  closes.
 *
 *  Nothing of the user's can hurt more than this process. It says why it ends by its exit code
 *  (`task/exits.ts`), since a process that is broken may not get to say more. Contract:
 *  `task-messages.ts`. */
import { Socket } from "node:net";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { assert, ClusterError } from "../../core/error.ts";
import { beginTask, installEnvironment } from "../../environment/install.ts";
import { onClockRead } from "../../environment/pins/clock.ts";
import { steadyMs } from "../../environment/steady.ts";
import { Owner, type Stray, strayCame } from "../../environment/strays.ts";
import { turn } from "../../environment/turn.ts";
import { Counters } from "../../wire/content/counters.ts";
import { Channel, fromTaskMaxBytes, toTaskMaxBytes } from "../channel/channel.ts";
import { InputBroken, PipeSource } from "../input/pipe-source.ts";
import { installRuntime } from "../task/job.ts";
import { countInput, runMapTask } from "../task/map-task.ts";
import { runReduce } from "../task/reduce-task.ts";
import { shown, strayError } from "../task/thrown.ts";
import { endsWithParent, taskExits } from "./exits.ts";
import { failureOf } from "./failure.ts";
import { type Items, openItems } from "./items.ts";
import { codeFolderOf, loadJob } from "./load.ts";
import type { LoadedJob } from "./loaded-job.ts";
import type { FromTask, TaskReport, ToTask } from "./messages.ts";
import { withPart } from "./plan-part.ts";
import { consoleToLog, Reporter } from "./reporter.ts";
import { runItems } from "./run-items.ts";

type Attempt = { readonly task: number; readonly attempt: number };
type Ordered = Extract<ToTask, { kind: "map" | "reduce" }>;
type Done = Omit<Extract<TaskReport, { kind: "done" }>, "durationMs" | "counters" | keyof Attempt>;

const channelDescriptor = 3;
const inputDescriptor = 4;
const channel = new Channel(new Socket({ fd: channelDescriptor }), {
  sendMaxBytes: fromTaskMaxBytes,
  receiveMaxBytes: toTaskMaxBytes,
  onMessage: (order) => take(order as ToTask),
  onEnd: () => end(taskExits.channelClosed, null),
});
// Of Node 26, which would have refused the channel without this right.
(process.permission as { drop?: (scope: "net") => void } | undefined)?.drop?.("net");
const send = (message: FromTask) => channel.send(message);
const reporter = new Reporter(send);
const counters = new Counters();
const source = new PipeSource(inputDescriptor, (inputBytes) => reporter.progress(inputBytes));
let loaded: LoadedJob | null = null;
let items: Items | null = null;
/** The attempt that job code is working for. */
let working: Attempt | null = null;

/** Ends the process; a failure of the attempt at hand is reported first, as far as the channel
 *  still takes it. */
function end(exit: number, error: ClusterError | null): never {
  const attempt = working;
  working = null;
  if (error !== null && attempt !== null) {
    const failure = failureOf(error, codeFolder());
    reporter.report({ kind: "failed", ...attempt, durationMs: 0, failure }, steadyMs());
    reporter.flush(steadyMs());
  }
  process.exit(exit);
}

process.on("exit", (code) => {
  if (working === null) return;
  const error = new ClusterError("user-error", `the job called process.exit(${code})`);
  end(taskExits.exitCalled, error);
});
// A batch system or a service manager may signal every process at once; when this one ends is for
// the worker to say, which drains.
process.on("SIGTERM", () => {});
process.on("uncaughtException", (thrown) => strayed({ kind: "exception", thrown }));
process.on("unhandledRejection", (thrown) => strayed({ kind: "rejection", thrown }));

/** What nothing has caught. Of a task of this job the process goes on: only that task has failed.
 *  Of no code that is known it may be our own fault, and the process ends. */
function strayed(stray: Stray): void {
  const found = strayCame(stray);
  if (found.kind === "unknown") end(strayExits[stray.kind], strayError(stray));
  else if (found.kind === "late") reporter.late(found.owner.of, strayError(stray).text);
}

const strayExits = {
  exception: taskExits.uncaughtException,
  rejection: taskExits.unhandledRejection,
} as const;

installRuntime({
  count: (counter, by) => counters.add(counter, by),
  log: (line) => reporter.log(line),
});
consoleToLog((line) => reporter.log(line));
installEnvironment();
onClockRead(() => send({ kind: "clock-read" }));

async function obey(order: ToTask): Promise<void> {
  switch (order.kind) {
    case "load":
      if ((await load(order)) && order.next !== undefined) return obey(order.next);
      return;
    case "map":
      source.startTask();
      beginTask("map", order.task);
      await attempt(order, () => mapTask(order));
      // After a failure the supervisor still streams: that must not be read as the next task's
      // input.
      return source.drain();
    case "reduce":
      beginTask("reduce", order.task);
      return attempt(order, () => reduceTask(order));
    case "tasks": {
      assert(loaded !== null && items !== null, "items are run after a load that names them");
      const drained = () => channel.drained();
      const run = { loaded, items, reporter, counters, drained, working: setWorking };
      return runItems(order.items, run);
    }
  }
}

function setWorking(on: Attempt | null): void {
  working = on;
}

async function load(order: Extract<ToTask, { kind: "load" }>): Promise<boolean> {
  try {
    loaded = await loadJob(order);
    items?.close();
    items = order.items === null ? null : openItems(order.items);
    send({ kind: "loaded" });
    return true;
  } catch (error) {
    const failure = failureOf(error, codeFolderOf(order));
    send({ kind: "load-failed", failure });
    return false;
  }
}

/** Runs one attempt and reports how it ended. */
async function attempt(order: Ordered, run: () => Done): Promise<void> {
  const { task, attempt: number, kind } = order;
  const startedAtMs = steadyMs();
  const of = { task, attempt: number };
  reporter.startAttempt(of, startedAtMs);
  working = of;
  const owner = new Owner(`${kind} task`, of);
  let report: TaskReport;
  try {
    const done = owner.run(run);
    owner.endTimers();
    await turn();
    if (owner.stray !== null) throw strayError(owner.stray);
    const durationMs = steadyMs() - startedAtMs;
    report = { ...of, durationMs, ...done, counters: counters.take() };
  } catch (error) {
    if (error instanceof InputBroken) end(taskExits.inputBroken, null);
    counters.take();
    const durationMs = steadyMs() - startedAtMs;
    report = { kind: "failed", ...of, durationMs, failure: failureOf(error, codeFolder()) };
  }
  owner.settle();
  working = null;
  const nowMs = steadyMs();
  reporter.report(report, nowMs);
  reporter.flush(nowMs);
}

function codeFolder(): string {
  return loaded?.codeFolder ?? "";
}

function mapTask({ task, out, part: read }: Extract<ToTask, { kind: "map" }>): Done {
  assert(loaded?.job.kind === "map-reduce", "map comes after the load of a map-reduce job");
  const { job, params, kernel } = loaded;
  const plan = read === undefined ? loaded.plan : withPart(loaded.plan, task, read);
  const given = { job, plan, params, task, source, out };
  const done = runMapTask(given, kernel);
  countInput(counters, done);
  const { badRecordsPath, records, root, sizeBytes } = done;
  const part = { records, root, sizeBytes };
  const kept = badRecordsPath === null ? {} : { badRecordsPath };
  return { kind: "done", ...part, ...kept, inputBytes: source.inputBytes };
}

function reduceTask(order: Extract<ToTask, { kind: "reduce" }>): Done {
  const { out, segments, stage = 1, task } = order;
  assert(loaded?.job.kind === "map-reduce", "reduce comes after the load of a map-reduce job");
  const { job, memoryBytes, params, kernel } = loaded;
  const inputBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const given = { job, params, stage, task, segments, out, memoryBytes };
  const part = kernel?.reduce?.(given) ?? runReduce(given);
  return { kind: "done", ...part, inputBytes };
}

/** An endless loop never notices that the channel closed: a thread checks whether the parent is
 *  still there. The parent's process id is read here, before the parent can be gone. Where the
 *  system ends this process with its parent, the thread would only make its start longer. */
function watchForParent(): void {
  if (process.argv.includes(endsWithParent)) return;
  const code = `
    const { workerData } = require("node:worker_threads");
    setInterval(() => {
      if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
    }, 500);`;
  const options = { eval: true, env: {}, execArgv: [], workerData: process.ppid };
  try {
    new Worker(code, options).on("error", () => {}).unref();
  } catch {
    // The profile may forbid threads; then the supervisor alone ends its processes.
  }
}

let last: Promise<void> = Promise.resolve();
function take(order: ToTask): void {
  last = last
    .then(() => obey(order))
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : shown(error)}\n`);
      process.exit(taskExits.broken);
    });
}
watchForParent();
send({ kind: "ready" });
