/** Runs items of a `tasks` job, one after the other, as fast as they come. */
import { ClusterError } from "../../core/error.ts";
import { beginTask } from "../../environment/install.ts";
import { steadyMs } from "../../environment/steady.ts";
import { jsonText } from "../../wire/block/json.ts";
import type { Counters } from "../task/counters.ts";
import type { TasksJob } from "../task/job.ts";
import { thrownBy } from "../task/thrown.ts";
import { failureOf } from "./failure.ts";
import type { Items } from "./items.ts";
import type { LoadedJob } from "./loaded-job.ts";
import { flushMs, type Reporter } from "./reporter.ts";

/** Largest result of an item. */
const resultMaxBytes = 1024 * 1024;
/** After an item this long, reports do not wait for the next one, in ms. */
const longItemMs = 0.5;

type Item = { readonly task: number; readonly attempt: number };

export type ItemRun = {
  readonly loaded: LoadedJob;
  readonly items: Pick<Items, "item">;
  readonly reporter: Reporter;
  readonly counters: Counters;
  /** Called with the attempt that job code is working for, null between attempts. */
  readonly working: (on: Item | null) => void;
  /** Resolves when the supervisor has taken what was sent. */
  readonly drained: () => Promise<void>;
};

export async function runItems(batch: Iterable<Item>, run: ItemRun): Promise<void> {
  const { reporter } = run;
  for (const item of batch) {
    const startedAtMs = steadyMs();
    reporter.startAttempt(item, startedAtMs);
    run.working(item);
    let keepsUp: boolean;
    try {
      const returned = call(item.task, run);
      // A turn of the event loop for each item that returns at once would cost more than the item.
      const result = isPromise(returned) ? await resultOf(item.task, returned, run) : returned;
      keepsUp = done(item, resultText(item.task, result), startedAtMs, run);
    } catch (error) {
      keepsUp = failed(item, error, startedAtMs, run);
    }
    run.working(null);
    const endedAtMs = steadyMs();
    if (endedAtMs - startedAtMs > longItemMs) keepsUp = reporter.flush(endedAtMs) && keepsUp;
    if (!keepsUp) await run.drained();
  }
  reporter.flush(steadyMs());
}

function done(item: Item, value: string, startedAtMs: number, run: ItemRun): boolean {
  const { counters, reporter } = run;
  const nowMs = steadyMs();
  if (counters.isEmpty) return reporter.result(item, value, startedAtMs, nowMs);
  const plain = { kind: "done", records: 1, root: "", inputBytes: 0 } as const;
  const { task, attempt } = item;
  const measured = { durationMs: nowMs - startedAtMs, sizeBytes: Buffer.byteLength(value) };
  const report = { ...plain, task, attempt, ...measured, value, counters: counters.take() };
  return reporter.report(report, nowMs);
}

function failed(item: Item, error: unknown, startedAtMs: number, run: ItemRun): boolean {
  run.counters.take();
  const { task, attempt } = item;
  const failure = failureOf(error, run.loaded.codeFolder);
  const nowMs = steadyMs();
  const durationMs = nowMs - startedAtMs;
  return run.reporter.report({ kind: "failed", task, attempt, durationMs, failure }, nowMs);
}

type Run = (item: unknown, context: object) => unknown;

function call(task: number, { loaded, items }: ItemRun): unknown {
  const run = (loaded.job as TasksJob).options.run as unknown as Run;
  const item = items.item(task);
  beginTask("run", task);
  try {
    return run(item, { params: loaded.params, index: task });
  } catch (thrown) {
    throw thrownBy("run", thrown, `item ${task}`);
  }
}

async function resultOf(task: number, promise: PromiseLike<unknown>, run: ItemRun) {
  try {
    return await patiently(promise, run.reporter);
  } catch (thrown) {
    throw thrownBy("run", thrown, `item ${task}`);
  }
}

function resultText(task: number, result: unknown): string {
  const text = jsonText(result, `the result of item ${task}`);
  if (text.length <= resultMaxBytes / 3) return text;
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes <= resultMaxBytes) return text;
  throw new ClusterError(
    "limit-exceeded",
    `the result of item ${task} has ${sizeBytes} bytes, of at most ${resultMaxBytes}; ` +
      "return less, or use mapReduce for large results",
  );
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}

/** Earlier reports must not wait for a promise that takes its time. */
async function patiently(promise: PromiseLike<unknown>, reporter: Reporter): Promise<unknown> {
  if (reporter.pending === 0) return promise;
  const timer = setTimeout(() => reporter.flush(steadyMs()), flushMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
