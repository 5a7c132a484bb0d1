/** Map outputs of workers that leave: which of them are needed still, and that the coordinator has
 *  them from now on.
 *
 *  1. Only the committed output of a task changes its place, and only at the worker that holds it:
 *     what was computed again meanwhile stays where it is.
 *  2. It is needed while a task of the stage that reads it is not done.
 *  3. First comes what saves most: the time that it takes to compute it again, for each byte. */
import type { CoordinatorEvent } from "../event.ts";
import { type AttemptRef, type Hash, idNumber, jobId, type WorkerId } from "../ids.ts";
import { jobOf } from "./leases.ts";
import { consumerOf } from "./shuffle.ts";
import { type CoordinatorState, DONE, RELAY, type Stage } from "./state.ts";

export type NeededOutput = { readonly ref: AttemptRef; readonly root: Hash };

/** What a transfer costs whatever its size, in bytes: small outputs do not come before all else. */
const transferBytes = 16_384;

/** The outputs that would be lost with this worker, those first that save most. */
export function neededOutputs(state: CoordinatorState, worker: WorkerId): NeededOutput[] {
  const holder = idNumber(worker);
  const found: Array<NeededOutput & { readonly savedMs: number }> = [];
  for (const number of state.active) {
    for (const stage of jobOf(state, number).stages) {
      if (!isRead(state, stage) || !stage.holder.includes(holder)) continue;
      const meanMs = stage.durations.meanMs();
      for (let task = 0; task < stage.spec.taskCount; task++) {
        const output = stage.outputs[task] ?? null;
        if (output === null || !holds(stage, task, holder)) continue;
        const attempt = stage.committed[task] as number;
        const ref = { job: jobId(number), stage: stage.index, task, attempt };
        const savedMs = meanMs / (output.sizeBytes + transferBytes);
        found.push({ ref, root: output.root, savedMs });
      }
    }
  }
  return found.sort((one, other) => other.savedMs - one.savedMs);
}

/** The root of an output that is needed and lies with this worker alone; null = it is not. */
export function neededRoot(
  state: CoordinatorState,
  worker: WorkerId,
  { attempt, job, stage: index, task }: AttemptRef,
): Hash | null {
  const record = state.jobs.get(idNumber(job));
  const stage = record?.state === "running" ? record.stages[index] : undefined;
  if (stage === undefined || !isRead(state, stage)) return null;
  if (!holds(stage, task, idNumber(worker)) || stage.committed[task] !== attempt) return null;
  return stage.outputs[task]?.root ?? null;
}

/** The coordinator has verified them and serves them: they outlive their worker. */
export function keepHandedOver(
  state: CoordinatorState,
  event: Extract<CoordinatorEvent, { kind: "outputs-handed-over" }>,
): void {
  const job = state.jobs.get(idNumber(event.job));
  const stage = job?.stages[event.stage];
  if (stage === undefined || job?.state !== "running") return;
  const worker = idNumber(event.worker);
  for (const [task, attempt] of event.outputs) {
    if (!holds(stage, task, worker) || stage.committed[task] !== attempt) continue;
    stage.holder[task] = RELAY;
    // Readers that are not informed find the worker gone, and ask the coordinator.
    stage.sourcesVersion++;
  }
}

function holds(stage: Stage, task: number, worker: number): boolean {
  return worker > 0 && stage.state[task] === DONE && stage.holder[task] === worker;
}

function isRead(state: CoordinatorState, stage: Stage): boolean {
  if (stage.spec.partitionCount === 0) return false;
  const consumer = consumerOf(jobOf(state, stage.job), stage);
  return consumer !== null && consumer.counts.done < consumer.spec.taskCount;
}
