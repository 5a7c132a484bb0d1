/** What a coordinator's log records about the workers that came back to it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { decodeRecord } from "../../src/coordinator/loop/journal.ts";
import { DONE } from "../../src/core/cluster/state.ts";
import { type CoordinatorState, emptyState, step } from "../../src/core/coordinator.ts";
import { type AttemptRef, attemptKey, idNumber } from "../../src/core/ids.ts";
import { leasesOf } from "../../src/core/view.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";

export type History = {
  /** Attempts that returning workers held: queued, running, or reported without an answer. */
  readonly held: readonly AttemptRef[];
  /** Of these, those that the coordinator let continue, or whose report was in the log already:
   *  only the answer to it was lost. */
  readonly adopted: number;
  /** Leases of which the worker had no assignment: it never arrived. */
  readonly neverArrived: number;
  /** Of `held`, those whose own result became final: they ran once. */
  readonly committed: number;
  /** Of `held`, those that a worker gave back unstarted, as it is asked to while it is slow: they
   *  did not run. */
  readonly givenBack: number;
  /** Of `held`, all others, with what their worker reported about them. */
  readonly lost: readonly string[];
  readonly tasks: number;
};

/** Replays the log of a coordinator that is down. */
export async function readHistory(dataDir: string): Promise<History> {
  const log = await openSqliteLog(join(dataDir, "log.sqlite"));
  const state = emptyState();
  const held: AttemptRef[] = [];
  const reported = new Map<string, string[]>();
  let [adopted, neverArrived] = [0, 0];
  try {
    assert.equal(await log.loadSnapshot(), null, "the whole log is still there");
    for await (const record of log.read(0)) {
      const event = decodeRecord(record);
      if (event.kind === "worker-joined" && event.worker !== null) {
        const leased = new Set(leasesOf(state, event.worker).map(attemptKey));
        held.push(...event.holding);
        const both = event.holding.filter((ref) => leased.has(attemptKey(ref))).length;
        adopted += both + event.holding.filter((ref) => isFinal(state, ref)).length;
        neverArrived += leased.size - both;
      }
      if (event.kind === "attempts-reported") {
        const { job, stage } = event;
        for (const { kind, task, attempt } of event.reports) {
          const key = attemptKey({ job, stage, task, attempt });
          reported.set(key, [...(reported.get(key) ?? []), kind]);
        }
      }
      step(state, event);
    }
  } finally {
    await log.close();
  }
  const others = held.filter((ref) => !isFinal(state, ref)).map(attemptKey);
  const lost = others
    .filter((key) => !reported.get(key)?.includes("returned"))
    .map((key) => `${key}: ${reported.get(key)?.join(", ") ?? "no report"}`);
  const committed = held.length - others.length;
  const givenBack = others.length - lost.length;
  const tasks = state.jobs.get(1)?.stages[0]?.counts.done ?? 0;
  return { held, adopted, neverArrived, committed, givenBack, tasks, lost };
}

/** The attempt's own result is the task's. */
function isFinal(state: CoordinatorState, { attempt, job, stage, task }: AttemptRef): boolean {
  const record = state.jobs.get(idNumber(job))?.stages[stage];
  return record?.state[task] === DONE && record.committed[task] === attempt;
}
