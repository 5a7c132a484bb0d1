/** Runs items of a `tasks` job, one after the other, as fast as they come. */
import { ClusterError } from "../../core/error.ts";
import { harmless } from "../../core/thrown.ts";
import { beginTask } from "../../environment/install.ts";
import { steadyMs } from "../../environment/steady.ts";
import { Owner } from "../../environment/strays.ts";
import { turn } from "../../environment/turn.ts";
import { resultText } from "../../wire/block/result.ts";
import type { Counters } from "../../wire/content/counters.ts";
import type { TasksJob } from "../task/job.ts";
import { strayError, thrownBy } from "../task/thrown.ts";
import { failureOf } from "./failure.ts";
import type { Items } from "./items.ts";
import type { LoadedJob } from "./loaded-job.ts";
import { flushMs, type Reporter } from "./reporter.ts";

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
  const begun: Owner[] = [];
  const settle = () => {
    settleEnded(begun, run);
    return reporter.flush(steadyMs());
  };
  for (const item of batch) {
    const startedAtMs = steadyMs();
    reporter.startAttempt(item, startedAtMs);
    run.working(item);
    const owner = new Owner("item", item);
    begun.push(owner);
    let isDue: boolean;
    try {
      const returned = owner.run(call, item.task, run);
      // A turn of the event loop for each item that returns at once would cost more than the item.
      const result =
        returned instanceof Later ? await resultOf(owner, returned, run, settle) : returned;
      isDue = done(item, textOf(item.task, result), startedAtMs, run);
      owner.state = "done";
    } catch (error) {
      isDue = failed(item, error, startedAtMs, run);
      owner.state = "failed";
    }
    run.working(null);
    if (!isDue && steadyMs() - startedAtMs <= longItemMs) continue;
    await turn();
    if (!settle()) await run.drained();
  }
  await turn();
  settle();
}

/** After a turn of the event loop: what items have left behind has come out. An item with a stray
 *  error has failed. Leaves those that still run. */
function settleEnded(begun: Owner[], run: ItemRun): void {
  const running = begun.filter(({ state }) => state === "running");
  for (const owner of begun) {
    if (owner.state === "running") continue;
    owner.settle();
    if (owner.state === "failed" || owner.stray === null) continue;
    const failure = failureOf(strayError(owner.stray, owner.name), run.loaded.codeFolder);
    run.reporter.replace({ kind: "failed", ...(owner.of as Item), durationMs: 0, failure });
  }
  begun.length = 0;
  for (const owner of running) begun.push(owner);
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

/** A promise, or what job code has in place of one. */
class Later {
  readonly promise: PromiseLike<unknown>;

  constructor(promise: PromiseLike<unknown>) {
    this.promise = promise;
  }
}

function call(task: number, { loaded, items }: ItemRun): unknown {
  const run = (loaded.job as TasksJob).options.run as unknown as Run;
  const item = items.item(task);
  beginTask("run", task);
  try {
    const returned = run(item, { params: loaded.params, index: task });
    return isPromise(returned) ? new Later(returned) : returned;
  } catch (thrown) {
    throw thrownBy("run", thrown, `item ${task}`);
  }
}

async function resultOf(owner: Owner, { promise }: Later, run: ItemRun, settle: () => void) {
  try {
    return await patiently(owner.orStray(promise), run.reporter, settle);
  } catch (thrown) {
    throw thrownBy("run", thrown, owner.name);
  }
}

/** Reading a value may call job code: a getter, a proxy. */
function textOf(task: number, result: unknown): string {
  try {
    return resultText(task, result);
  } catch (caught) {
    const thrown = harmless(caught);
    throw thrown instanceof ClusterError ? thrown : thrownBy("run", thrown, `item ${task}`);
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}

/** Earlier reports must not wait for a promise that takes its time. */
async function patiently(
  promise: Promise<unknown>,
  reporter: Reporter,
  settle: () => void,
): Promise<unknown> {
  if (reporter.pending === 0) return promise;
  const timer = setTimeout(settle, flushMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
