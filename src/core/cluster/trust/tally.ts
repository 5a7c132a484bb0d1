/** A stage's figures of the results that count. */
import { addCounters, type JobRecord, type Stage } from "../state.ts";
import type { Counted } from "./opinion.ts";
import { isTracked } from "./standing.ts";

/** Counted once for each task, also when its output is lost and computed again. */
export function tally(job: JobRecord, stage: Stage, task: number, of: Counted): void {
  const output = stage.outputs[task];
  const { counters, inputBytes = 0 } = of;
  stage.tally.inputBytesDone += inputBytes;
  stage.tally.outputBytes += output?.sizeBytes ?? 0;
  stage.tally.outputRecords += output?.records ?? 0;
  if (counters !== undefined) addCounters(job.counters, counters);
  if (!isTracked(job)) return;
  const counted = counters === undefined ? { inputBytes } : { inputBytes, counters };
  stage.opinions.counted.set(task, counted);
}

/** Takes out what `tally` added for a task that is withdrawn. */
export function untally(job: JobRecord, stage: Stage, task: number): void {
  const { counters = {}, inputBytes = 0 } = stage.opinions.counted.get(task) ?? {};
  stage.opinions.counted.delete(task);
  const output = stage.outputs[task];
  stage.tally.inputBytesDone -= inputBytes;
  stage.tally.outputBytes -= output?.sizeBytes ?? 0;
  stage.tally.outputRecords -= output?.records ?? 0;
  for (const [name, by] of Object.entries(counters)) {
    const left = (job.counters[name] ?? 0) - by;
    if (left === 0) delete job.counters[name];
    else job.counters[name] = left;
  }
}
