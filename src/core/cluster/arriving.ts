/** Tasks whose input is still on its way to the coordinator, and may begin before all of it is
 *  there.
 *
 *  1. A task of `Stage.arriving` is `waiting`, and was never leased.
 *  2. It leaves that set once, when its input is there, and is ready from then on.
 *  3. Bytes that do not come, or are not those that were submitted, fail the job. */
import type { Effect } from "../effect.ts";
import type { CoordinatorEvent } from "../event.ts";
import { idNumber } from "../ids.ts";
import { failJob } from "./jobs.ts";
import { makeReady } from "./leases.ts";
import type { CoordinatorState, JobRecord, Stage } from "./state.ts";

type Of<K extends CoordinatorEvent["kind"]> = Extract<CoordinatorEvent, { kind: K }>;

export function admitInputs(state: CoordinatorState, event: Of<"inputs-arrived">): void {
  const stage = firstStage(state, event.job);
  if (stage === null) return;
  for (const task of event.tasks) {
    if (stage.arriving.delete(task)) makeReady(state, stage, task);
  }
}

export function missInputs(
  state: CoordinatorState,
  event: Of<"inputs-missed">,
  effects: Effect[],
): void {
  const stage = firstStage(state, event.job);
  // What was missed may have arrived by now.
  if (stage === null || stage.arriving.size === 0) return;
  const job = state.jobs.get(stage.job) as JobRecord;
  failJob(state, job, { code: "data-lost", message: event.reason }, effects);
}

/** Null when the job has ended. */
function firstStage(state: CoordinatorState, id: Of<"inputs-arrived">["job"]): Stage | null {
  const job = state.jobs.get(idNumber(id));
  return job?.state === "running" ? (job.stages[0] ?? null) : null;
}
