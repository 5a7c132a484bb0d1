/** A finished job in which a volunteer was caught afterwards: its doubtful tasks are computed
 *  again, as a job of its own, by own workers.
 *
 *  1. It adopts every result of the earlier job that is not in doubt, and the figures of all.
 *  2. Partitions are gone with the earlier job. A map task that is computed again and gives the
 *     same root costs nothing else; another root withdraws what was reduced from it, and reduce
 *     tasks that are not done have all that they read computed again.
 *  3. Its code sees the time of the earlier job.
 *  4. The earlier job stays as it is: what was committed never changes. */
import type { Effect } from "../../effect.ts";
import { ClusterError } from "../../error.ts";
import type { CoordinatorEvent } from "../../event.ts";
import { idNumber, jobId } from "../../ids.ts";
import { newJob } from "../jobs.ts";
import { noSuchJob } from "../retention/removed.ts";
import { requireInputs } from "../shuffle.ts";
import { addCounters, type CoordinatorState, DONE, type Stage, setTask } from "../state.ts";
import { doubtfulTasks, withdraw } from "./distrust.ts";
import { isCaught } from "./standing.ts";

export function recheckJob(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "job-rechecked" }>,
  effects: Effect[],
): void {
  const earlier = state.jobs.get(idNumber(event.job));
  if (earlier === undefined) {
    effects.push({ kind: "refuse", error: noSuchJob(state, event.job) });
    return;
  }
  const doubtful = doubtfulTasks(state, earlier);
  if (earlier.state !== "done" || doubtful.length === 0) {
    const text =
      earlier.state === "done"
        ? `no result of ${event.job} is in doubt; there is nothing to compute again`
        : `${event.job} is ${earlier.state}; only a finished job is rechecked`;
    effects.push({ kind: "refuse", error: new ClusterError("conflict", text) });
    return;
  }
  const { quorum: _, share: __, trust: ___, ...spec } = earlier.spec;
  const { digest, owner } = event;
  const { disguise } = earlier;
  const hidden = disguise === undefined ? {} : { disguise };
  const job = newJob(state, { owner, key: null, digest, spec, ...hidden });
  job.recheck = { of: earlier.number, tasks: doubtful.length, changed: 0 };
  job.clockMs = earlier.clockMs;
  addCounters(job.counters, earlier.counters);
  for (const [index, stage] of job.stages.entries()) adopt(stage, earlier.stages[index] as Stage);
  for (const { stage: index, task } of doubtful) {
    const stage = job.stages[index] as Stage;
    const { vouchers } = stage.opinions;
    const left = (vouchers.get(task) ?? []).filter(({ person }) => !isCaught(state, person));
    vouchers.set(task, left);
    withdraw(state, job, stage, task);
  }
  for (const stage of job.stages) {
    if (stage.counts.done < stage.spec.taskCount) requireInputs(state, job, stage);
  }
  effects.push({ kind: "reply", value: { job: jobId(job.number) } });
  effects.push({ kind: "job-changed", job: jobId(job.number) });
}

/** All of it counts as done, and no worker keeps any partition. */
function adopt(stage: Stage, earlier: Stage): void {
  stage.attempts.set(earlier.attempts);
  stage.committed.set(earlier.committed);
  for (const [task, output] of earlier.outputs.entries()) {
    stage.outputs[task] = output;
    setTask(stage, task, DONE);
  }
  const { counted, vouchers } = earlier.opinions;
  for (const [task, all] of vouchers) stage.opinions.vouchers.set(task, all);
  for (const [task, one] of counted) stage.opinions.counted.set(task, one);
  Object.assign(stage.tally, earlier.tally, { startedAtMs: 0, endedAtMs: 0 });
}
