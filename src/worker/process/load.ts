/** Loads the code and the plan of a job into this process. */
import { createHash } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import type { Hash } from "../../core/ids.ts";
import { surround, useEnvironment } from "../../environment/install.ts";
import { evaluated, startJob } from "../../environment/strays.ts";
import { damaged } from "../../wire/block/arena.ts";
import type { Plan } from "../../wire/block/plan.ts";
import { operatorKernel } from "../operators/kernel.ts";
import { type AnyJob, checkedPlan, jobIn, type Params } from "../task/job.ts";
import { fitting } from "../task/memory.ts";
import { loadError } from "../task/thrown.ts";
import type { LoadedJob } from "./loaded-job.ts";
import type { ShortFile, ToTask } from "./messages.ts";
import { moduleJob } from "./module.ts";

type Load = Extract<ToTask, { kind: "load" }>;

export async function loadJob(load: Load): Promise<LoadedJob> {
  const { memoryBytes } = load;
  const plan = fitting(readPlan(load.plan), memoryBytes);
  const codeFolder = codeFolderOf(load);
  startJob();
  if (plan.operator !== undefined) {
    const kernel = operatorKernel(plan.operator);
    return { job: kernel.job, plan, memoryBytes, params: plan.params, codeFolder, kernel };
  }
  surround(load.around);
  if (code?.path !== load.codePath) code = { path: load.codePath, ...(await readCode(load)) };
  const { job } = code;
  useEnvironment(job.options);
  const params = { ...job.options.params, ...plan.params } as Params;
  return { job, plan, memoryBytes, params, codeFolder: code.folder, kernel: null };
}

type Code = { readonly folder: string; readonly job: AnyJob };

/** A process has the code of one job, and of all others with the same code: asking Node for it
 *  again takes as long as a short task. */
let code: (Code & { readonly path: string }) | null = null;

async function readCode(load: Load): Promise<Code> {
  const { codeHash, codePath } = load;
  const bytes = readFileSync(codePath);
  checkHash(bytes, codeHash, "the job's code");
  if (extname(codePath) === ".wasm") return { folder: "", job: moduleJob(bytes) };
  const path = namedPath(load);
  if (path !== codePath) copyFileSync(codePath, path);
  // Must be on before the code is loaded: its source map is read then.
  process.setSourceMapsEnabled(true);
  let exports: { readonly default?: unknown };
  try {
    exports = await evaluated(() => import(pathToFileURL(path).href));
  } catch (error) {
    throw loadError(error);
  }
  return { folder: dirname(path), job: jobIn(exports) };
}

/** Where the code is loaded from, also when that fails. */
export function codeFolderOf(load: Load): string {
  return dirname(namedPath(load));
}

/** Blobs have no extension, and without one Node must guess what the file is. */
function namedPath({ codePath, scratch }: Load): string {
  return extname(codePath) === "" ? join(scratch, "job.mjs") : codePath;
}

/** The worker verified it when it came, which may be long ago. */
function checkHash(bytes: Uint8Array, hash: Hash, what: string): void {
  if (createHash("sha256").update(bytes).digest("hex") !== hash) {
    throw damaged(`${what} is not what was fetched`);
  }
}

function readPlan(file: ShortFile): Plan {
  if ("text" in file) return checkedPlan(JSON.parse(file.text) as Plan);
  const bytes = readFileSync(file.path);
  checkHash(bytes, file.hash, "the job's plan");
  return checkedPlan(JSON.parse(bytes.toString("utf8")) as Plan);
}
