/** Which of the tasks that wait for another opinion a worker gets. */
import type { IntQueue } from "../../structures/queue.ts";
import {
  type CoordinatorState,
  type JobRecord,
  READY,
  type Stage,
  type WorkerRecord,
} from "../state.ts";
import { mayJudge } from "../trust/check.ts";

/** Tasks that are looked at for one worker; the next looks at others. */
const lookedAtMax = 32;

/** Undefined when none of those that were looked at is for it. */
export function takeCheck(
  state: CoordinatorState,
  stage: Stage,
  worker: WorkerRecord,
): number | undefined {
  const { checks, ownChecks } = stage.opinions;
  const isOwn = worker.volunteer === undefined;
  const settled = isOwn && ownChecks.size > 0 ? take(state, stage, worker, ownChecks) : undefined;
  if (settled !== undefined || checks.size === 0) return settled;
  return take(state, stage, worker, checks);
}

function take(
  state: CoordinatorState,
  stage: Stage,
  worker: WorkerRecord,
  from: IntQueue,
): number | undefined {
  const job = state.jobs.get(stage.job) as JobRecord;
  for (let left = Math.min(from.size, lookedAtMax); left > 0; left--) {
    const task = from.shift() as number;
    if (stage.state[task] !== READY) continue;
    if (mayJudge(job, stage, task, worker)) return task;
    from.push(task);
  }
  return undefined;
}
