/** Which tasks are kept as canaries; see `canary.ts`. */
import type { CoordinatorState, Stage } from "../state.ts";
import type { KnownTask } from "./canaries.ts";
import { draw } from "./standing.ts";

/** Tasks of a stage that are kept for it; above it new ones replace others. */
const knownMax = 512;

/** An own worker vouches for the result of the task. */
export function remember(state: CoordinatorState, stage: Stage, task: number): void {
  const { known, vouchers } = stage.opinions;
  if (state.canaries.share === 0 || stage.spec.inputStage !== null) return;
  if (vouchers.get(task)?.some(({ own }) => own) !== true) return;
  if (known.some((one) => one.task === task)) return;
  const one: KnownTask = { task, persons: [] };
  if (known.length < knownMax) known.push(one);
  else known[Math.floor(draw(state) * knownMax)] = one;
}
