/** Loads the code of a job into a task's Worker: a module from a blob, which may import nothing. */
import { ClusterError } from "../../../core/error.ts";
import { surround, useEnvironment } from "../../../environment/install.ts";
import { evaluated } from "../../../environment/strays.ts";
import { operatorKernel } from "../../operators/kernel.ts";
import type { LoadedJob } from "../../process/loaded-job.ts";
import { checkedPlan, jobIn, type Params } from "../../task/job.ts";
import { loadError } from "../../task/thrown.ts";
import type { TaskOrder } from "../contract.ts";
import { codeName } from "./code-name.ts";

export async function loadJob({ around, code, plan: given }: TaskOrder): Promise<LoadedJob> {
  const plan = checkedPlan(given);
  const common = { plan, codeFolder: "" };
  if (plan.operator !== undefined) {
    const kernel = operatorKernel(plan.operator);
    return { ...common, job: kernel.job, params: plan.params, kernel };
  }
  surround(around);
  const text = `${code}\n//# sourceURL=${codeName}`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const job = jobIn(await evaluated(() => import(/* @vite-ignore */ url)));
    useEnvironment(job.options);
    const params = { ...job.options.params, ...plan.params } as Params;
    return { ...common, job, params, kernel: null };
  } catch (error) {
    if (error instanceof ClusterError) throw error;
    throw loadError(error);
  } finally {
    URL.revokeObjectURL(url);
  }
}
