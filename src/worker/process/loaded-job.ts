/** A job whose code and plan are in the process or tab that runs its tasks. */
import type { Plan } from "../../wire/block/plan.ts";
import type { OperatorKernel } from "../operators/operator.ts";
import type { AnyJob, Params } from "../task/job.ts";

export type LoadedJob = {
  readonly job: AnyJob;
  readonly plan: Plan;
  /** For all that a task holds; undefined = the plan's bounds hold. */
  readonly memoryBytes?: number | undefined;
  /** The job's defaults overlaid with the plan's. */
  readonly params: Params;
  /** Cut from the paths in stacks. */
  readonly codeFolder: string;
  /** Of an operator. */
  readonly kernel: OperatorKernel | null;
};
