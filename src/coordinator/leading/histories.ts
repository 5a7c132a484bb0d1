/** What a coordinator remembers of jobs beside its state; both see the same events. */
import { AttemptHistory } from "../jobs/attempt-history.ts";
import { TaskMoves } from "../jobs/task-moves.ts";
import type { Histories } from "./follower.ts";

export type JobHistories = Histories & {
  readonly attempts: AttemptHistory;
  readonly moves: TaskMoves;
};

export function newJobHistories(): JobHistories {
  const [attempts, moves] = [new AttemptHistory(), new TaskMoves()];
  return {
    attempts,
    moves,
    observe(event, effects, position) {
      attempts.see(event, effects);
      moves.see(event, effects, position);
    },
  };
}
