/** Profiles of tasks that are kept with their job: the core knows which there are, and that their
 *  blobs stay as long as the job; it never opens them. */
import type { Effect } from "../effect.ts";
import { ClusterError } from "../error.ts";
import type { CoordinatorEvent } from "../event.ts";
import { idNumber } from "../ids.ts";
import { noSuchJob } from "./retention/removed.ts";
import type { CoordinatorState } from "./state.ts";

/** Of one job. */
export const profilesMax = 8;

/** The newest of a task replaces an earlier one; of more tasks than are kept the oldest goes. */
export function keepProfile(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "profile-kept" }>,
  effects: Effect[],
): void {
  const { by, profile, stage, task } = event;
  const job = state.jobs.get(idNumber(event.job));
  if (job === undefined) {
    effects.push({ kind: "refuse", error: noSuchJob(state, event.job) });
    return;
  }
  const taskCount = job.stages[stage]?.spec.taskCount ?? 0;
  if (task >= taskCount) {
    const text = `${event.job} has no task ${task} in stage ${stage}; profile one that it has`;
    effects.push({ kind: "refuse", error: new ClusterError("bad-request", text) });
    return;
  }
  const others = (job.profiles ?? []).filter((one) => one.stage !== stage || one.task !== task);
  const kept = [...others, { stage, task, profile, by, atMs: state.atMs }];
  job.profiles = kept.slice(-profilesMax);
  effects.push({ kind: "reply", value: { job: event.job } });
}
