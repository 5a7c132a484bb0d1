/** Which results of tasks are in the state itself. Changes nothing. */
import type { CoordinatorState } from "./cluster/state.ts";
import { type AttemptRef, idNumber } from "./ids.ts";

/** Whether results of the task are in memory as they are: further ones stay so, or equal ones would
 *  look different. */
export function hasInlineResult(
  state: CoordinatorState,
  { job, stage, task }: Pick<AttemptRef, "job" | "stage" | "task">,
  charsMin: number,
): boolean {
  const record = state.jobs.get(idNumber(job))?.stages[stage];
  const opinions = record?.opinions.open.get(task) ?? [];
  const known = [record?.outputs[task], ...opinions.map(({ output }) => output)];
  return known.some((one) => (one?.value?.length ?? 0) >= charsMin);
}
