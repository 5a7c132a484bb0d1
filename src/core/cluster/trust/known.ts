/** Which tasks are kept as canaries; see `canary.ts`. */
import type { CoordinatorState, Stage } from "../state.ts";

/** Tasks of a stage that are kept for it, the newest ones. */
const knownMax = 512;

/** An own worker vouches for the result of the task. */
export function remember(state: CoordinatorState, stage: Stage, task: number): void {
  const { known, vouchers } = stage.opinions;
  if (state.canaries.share === 0 || stage.spec.inputStage !== null) return;
  if (vouchers.get(task)?.some(({ own }) => own) !== true) return;
  if (known.some((one) => one.task === task)) return;
  known.push({ task, persons: [] });
  if (known.length > knownMax) known.shift();
}
