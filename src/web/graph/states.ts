/** The state of a node in a job's graph, as its colour shows it. Pure. */
import type { JobState, TaskState } from "../../core/job.ts";
import type { JobSummary, StageSummary } from "../../core/summary.ts";

export type NodeState = TaskState;

type Tasks = Pick<StageSummary, "done" | "ready" | "running" | "taskCount">;

/** Of a job that has ended otherwise, a stage that is not done ended as the job did. */
export function stageState({ state }: { readonly state: JobState }, stage: Tasks): NodeState {
  if (stage.done === stage.taskCount) return "done";
  if (state === "failed" || state === "cancelled") return state;
  if (stage.running > 0 || stage.done > 0) return "running";
  return stage.ready > 0 ? "ready" : "waiting";
}

export function resultState({ state }: Pick<JobSummary, "state">): NodeState {
  return state === "running" ? "waiting" : state;
}
