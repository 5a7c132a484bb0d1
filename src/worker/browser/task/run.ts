/** Runs the one task of a Worker, and hands over what it made. */
import { assert } from "../../../core/error.ts";
import { beginTask } from "../../../environment/install.ts";
import { steadyMs } from "../../../environment/steady.ts";
import { Owner } from "../../../environment/strays.ts";
import { turn } from "../../../environment/turn.ts";
import type { Counters } from "../../../wire/content/counters.ts";
import { failureOf } from "../../process/failure.ts";
import type { LoadedJob } from "../../process/loaded-job.ts";
import type { TaskReport } from "../../process/messages.ts";
import type { Reporter } from "../../process/reporter.ts";
import { runItems } from "../../process/run-items.ts";
import { countInput, runMapTask } from "../../task/map-task.ts";
import { runReduce } from "../../task/reduce-task.ts";
import { strayError } from "../../task/thrown.ts";
import type { FromTaskWorker, TaskFiles, TaskOrder } from "../contract.ts";
import { giveFile, takeFile } from "../node-shims/fs.ts";
import { countedSource } from "./counted-source.ts";
import type { Pace } from "./pace.ts";
import { forAWhile } from "./portion.ts";

export type TaskRun = {
  readonly order: TaskOrder;
  readonly loaded: LoadedJob;
  readonly counters: Counters;
  readonly reporter: Reporter;
  readonly pace: Pace;
  readonly say: (message: FromTaskWorker, handedOver?: Transferable[]) => void;
};

type Done = { readonly sizeBytes: number; readonly records: number; readonly root: string };
const out = "/task";
const fileNames = ["run", "manifest", "part", "bad"] as const;

export async function runTask(run: TaskRun): Promise<void> {
  if (run.order.kind === "tasks") await items(run);
  else await attempt(run, run.order.kind === "map" ? () => map(run) : () => reduce(run));
}

async function items({ order, loaded, reporter, counters, pace }: TaskRun): Promise<void> {
  const lines = new Map(order.attempts.map(({ task }, i) => [task, order.items[i] as string]));
  await runItems(forAWhile(order.attempts, pace.share), {
    loaded,
    items: { item: (task) => JSON.parse(lines.get(task) as string) },
    reporter,
    counters,
    working: () => {},
    drained: () => pace.rest(),
  });
}

/** Runs the attempt of a map or reduce task and reports how it ended. */
async function attempt(run: TaskRun, work: () => Done & { inputBytes: number }): Promise<void> {
  const { counters, order, reporter, say } = run;
  const [of] = order.attempts;
  assert(of !== undefined, "a task has an attempt");
  const startedAtMs = steadyMs();
  reporter.startAttempt(of, startedAtMs);
  if (order.kind !== "tasks") beginTask(order.kind, of.task);
  const owner = new Owner(`${order.kind} task`, of);
  let report: TaskReport;
  try {
    const done = owner.run(work);
    owner.endTimers();
    await turn();
    if (owner.stray !== null) throw strayError(owner.stray);
    const durationMs = steadyMs() - startedAtMs;
    report = { kind: "done", ...of, durationMs, ...done, counters: counters.take() };
  } catch (error) {
    const durationMs = steadyMs() - startedAtMs;
    report = { kind: "failed", ...of, durationMs, failure: failureOf(error, "") };
  }
  owner.settle();
  reporter.report(report, steadyMs());
  reporter.flush(steadyMs());
  if (report.kind === "done") handOver(say);
}

function handOver(say: TaskRun["say"]): void {
  const files: { [name in (typeof fileNames)[number]]?: Uint8Array[] } = {};
  for (const name of fileNames) {
    const parts = takeFile(`${out}.${name}`);
    if (parts !== null) files[name] = parts;
  }
  const buffers = Object.values(files).flat();
  say(
    { kind: "files", files: files satisfies TaskFiles },
    buffers.map(({ buffer }) => buffer),
  );
}

function map({ counters, order, loaded, reporter, pace }: TaskRun): Done & { inputBytes: number } {
  assert(loaded.job.kind === "map-reduce", "map tasks are of map-reduce jobs");
  const { job, plan, params, kernel } = loaded;
  const source = countedSource(order, (inputBytes) => {
    reporter.progress(inputBytes);
    pace.breathe();
  });
  const given = { job, plan, params, task: order.attempts[0]?.task ?? 0, source, out };
  const done = runMapTask(given, kernel);
  countInput(counters, done);
  const { records, root, sizeBytes } = done;
  return { records, root, sizeBytes, inputBytes: source.inputBytes() };
}

function reduce({ order, loaded }: TaskRun): Done & { inputBytes: number } {
  assert(loaded.job.kind === "map-reduce", "reduce tasks are of map-reduce jobs");
  const { job, params, kernel } = loaded;
  let inputBytes = 0;
  const segments = order.segments.map((bytes, i) => {
    const path = `/in/${i}`;
    giveFile(path, bytes);
    inputBytes += bytes.length;
    return { path, offset: 0, sizeBytes: bytes.length };
  });
  const { stage } = order;
  const task = order.attempts[0]?.task ?? 0;
  const given = { job, params, stage, task, segments, out };
  const part = kernel?.reduce?.(given) ?? runReduce(given);
  return { ...part, inputBytes };
}
