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
  // The end of one item is the beginning of the next: the clock is asked once for each.
  let startedAtMs = steadyMs();
  for (const item of batch) {
    reporter.startAttempt(item, startedAtMs);
    run.working(item);
    const owner = new Owner("item", item);
    begun.push(owner);
    let isDue: boolean;
    let endedAtMs: number;
    try {
      owner.enter();
      let result = call(item.task, run);
      // A turn of the event loop for each item that returns at once would cost more than the item.
      if (result instanceof Later) {
        Owner.leave();
        result = await resultOf(owner, result, run, settle);
        owner.enter();
      }
      const value = textOf(item.task, result);
      endedAtMs = steadyMs();
      isDue = run.counters.isEmpty
        ? reporter.result(item, value, startedAtMs, endedAtMs)
        : counted(item, value, endedAtMs - startedAtMs, run);
      owner.state = "done";
    } catch (error) {
      endedAtMs = steadyMs();
      isDue = failed(item, error, endedAtMs - startedAtMs, run);
      owner.state = "failed";
    }
    run.working(null);
    const isLong = endedAtMs - startedAtMs > longItemMs;
    startedAtMs = endedAtMs;
    if (!isDue && !isLong) continue;
    Owner.leave();
    await turn();
    if (!settle()) await run.drained();
    startedAtMs = steadyMs();
  }
  Owner.leave();
  await turn();
  settle();
}

/** After a turn of the event loop: what items have left behind has come out. An item with a stray
 *  error has failed. Leaves those that still run. */
function settleEnded(begun: Owner[], run: ItemRun): void {
  let left = 0;
  for (const owner of begun) {
    if (owner.state === "running") {
      begun[left++] = owner;
      continue;
    }
    owner.settle();
    if (owner.state === "failed" || owner.stray === null) continue;
    const failure = failureOf(strayError(owner.stray, owner.name), run.loaded.codeFolder);
    run.reporter.replace({ kind: "failed", ...(owner.of as Item), durationMs: 0, failure });
  }
  begun.length = left;
}

/** The report of an item that has counted something. */
function counted(item: Item, value: string, durationMs: number, run: ItemRun): boolean {
  const { counters, reporter } = run;
  const plain = { kind: "done", records: 1, root: "", inputBytes: 0 } as const;
  const { task, attempt } = item;
  const sizeBytes = Buffer.byteLength(value);
  const report = { ...plain, task, attempt, durationMs, sizeBytes, value };
  return reporter.report({ ...report, counters: counters.take() }, steadyMs());
}

function failed(item: Item, error: unknown, durationMs: number, run: ItemRun): boolean {
  run.counters.take();
  const { task, attempt } = item;
  const failure = failureOf(error, run.loaded.codeFolder);
  return run.reporter.report({ kind: "failed", task, attempt, durationMs, failure }, steadyMs());
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
