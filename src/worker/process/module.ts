/** A WebAssembly module as a list of tasks: what existing managers send. Arguments and results are
 *  bytes, here in base64, since items and results of tasks are JSON. */
import { ClusterError } from "../../core/error.ts";
import { compileModule, type Module, runModule } from "../../environment/module.ts";
import type { TasksJob } from "../task/job.ts";
import { shown } from "../task/thrown.ts";

/** Its result is what the module sent last, as at existing workers; null = it sent nothing. Throws
 *  `user-error` when the bytes are no module. */
export function moduleJob(bytes: Uint8Array): TasksJob {
  const module = compiled(bytes);
  const run = (argument: string): string | null => {
    const last = runModule(module, Buffer.from(argument, "base64")).at(-1);
    return last === undefined ? null : Buffer.from(last).toString("base64");
  };
  return { kind: "tasks", options: { run } };
}

function compiled(bytes: Uint8Array): Module {
  try {
    return compileModule(bytes);
  } catch (error) {
    const text = `the program is no WebAssembly module that runs here: ${shown(error)}`;
    throw new ClusterError("user-error", text, { cause: error });
  }
}
