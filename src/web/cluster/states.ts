/** How a worker is, in one word: for tiles, chips and cards. */
import type { WorkerSummary } from "../../core/summary.ts";

/** left: by itself, in good order · lost: its link closed, or it went silent. */
export type WorkerState = "idle" | "busy" | "paused" | "left" | "lost" | "caught";

export function stateOf({
  lost,
  paused,
  running,
  state,
  volunteer,
}: Pick<WorkerSummary, "lost" | "paused" | "running" | "state" | "volunteer">): WorkerState {
  if (volunteer?.caught !== undefined) return "caught";
  if (state === "lost") return lost?.reason === "bye" ? "left" : "lost";
  if (paused !== "") return "paused";
  return running > 0 ? "busy" : "idle";
}
