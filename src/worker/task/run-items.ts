/** Runs items of a `tasks` job, one after the other, as fast as they come. */
import { ClusterError } from "../../core/error.ts";
import { jsonText } from "../../wire/block/json.ts";
import type { Counters } from "./counters.ts";
import { failureOf } from "./failure.ts";
import type { ItemsFile } from "./items.ts";
import type { TasksJob } from "./job.ts";
import type { LoadedJob } from "./load.ts";
import { flushMs, type Reporter } from "./reporter.ts";
import { thrownBy } from "./thrown.ts";

/** Largest result of an item. */
const resultMaxBytes = 1024 * 1024;
/** After an item this long, reports do not wait for the next one, in ms. */
const longItemMs = 0.5;

type Item = { readonly task: number; readonly attempt: number };

export type ItemRun = {
  readonly loaded: LoadedJob;
  readonly items: ItemsFile;
  readonly reporter: Reporter;
  readonly counters: Counters;
  /** Hears which attempt job code is working for, null between attempts. */
  readonly working: (on: Item | null) => void;
  /** Resolves when the supervisor has taken what was sent. */
  readonly drained: () => Promise<void>;
};

export async function runItems(batch: readonly Item[], run: ItemRun): Promise<void> {
  const { reporter } = run;
  for (const item of batch) {
    const startedAtMs = performance.now();
    reporter.startAttempt(item, startedAtMs);
    run.working(item);
    const report = await runItem(item, startedAtMs, run);
    run.working(null);
    const endedAtMs = performance.now();
    let keepsUp = reporter.report(report, endedAtMs);
    if (endedAtMs - startedAtMs > longItemMs) keepsUp = reporter.flush(endedAtMs) && keepsUp;
    if (!keepsUp) await run.drained();
  }
  reporter.flush(performance.now());
}

async function runItem(item: Item, startedAtMs: number, run: ItemRun) {
  const { task, attempt } = item;
  const durationMs = () => performance.now() - startedAtMs;
  try {
    const value = await resultOf(item, run);
    const counters = run.counters.take();
    const done = { kind: "done", records: 1, root: "", inputBytes: 0, counters } as const;
    return { ...done, task, attempt, durationMs: durationMs(), sizeBytes: value.length, value };
  } catch (error) {
    run.counters.take();
    const failure = failureOf(error, run.loaded.codeFolder);
    return { kind: "failed", task, attempt, durationMs: durationMs(), failure } as const;
  }
}

type Run = (item: unknown, context: object) => unknown;

async function resultOf({ task }: Item, { loaded, items, reporter }: ItemRun): Promise<string> {
  const run = (loaded.job as TasksJob).options.run as unknown as Run;
  let result: unknown;
  try {
    const returned: unknown = run(items.item(task), { params: loaded.params, index: task });
    result = isPromise(returned) ? await patiently(returned, reporter) : returned;
  } catch (thrown) {
    throw thrownBy("run", thrown, `item ${task}`);
  }
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
  const timer = setTimeout(() => reporter.flush(performance.now()), flushMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
