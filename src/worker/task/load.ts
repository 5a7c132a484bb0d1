/** Loads the code and the plan of a job into this process. */
import { copyFileSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ClusterError } from "../../core/error.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { operatorKernel } from "../kernels/operators/kernel.ts";
import type { ToTask } from "../task-messages.ts";
import { checkedPlan, jobIn, type LoadedJob, type Params } from "./job.ts";
import { shown } from "./thrown.ts";

export async function loadJob(load: Extract<ToTask, { kind: "load" }>): Promise<LoadedJob> {
  const plan = readPlan(load.planPath);
  const { codePath: codeAt, itemsPath } = load;
  if (plan.operator !== undefined) {
    const kernel = operatorKernel(plan.operator);
    const { params } = plan;
    return { job: kernel.job, plan, params, codeFolder: dirname(codeAt), itemsPath, kernel };
  }
  const codePath = importable(load.codePath, load.scratch);
  // Must be on before the code is loaded: its source map is read then.
  process.setSourceMapsEnabled(true);
  let loaded: { readonly default?: unknown };
  try {
    loaded = await import(pathToFileURL(codePath).href);
  } catch (error) {
    throw new ClusterError("user-error", `the job file cannot be loaded: ${shown(error)}`, {
      cause: error,
    });
  }
  const job = jobIn(loaded);
  const params = { ...job.options.params, ...plan.params } as Params;
  return { job, plan, params, codeFolder: dirname(codePath), itemsPath, kernel: null };
}

/** Blobs have no extension, and without one Node must guess what the file is. */
function importable(path: string, scratch: string): string {
  if (extname(path) !== "") return path;
  const named = join(scratch, "job.mjs");
  copyFileSync(path, named);
  return named;
}

function readPlan(path: string): Plan {
  return checkedPlan(JSON.parse(readFileSync(path, "utf8")) as Plan);
}
