/** One task process for a test: loaded with code written in the test, asked to run some items. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Failure, JobEnvironment } from "../../core/job.ts";
import { newFolder, removeFolder } from "../../store/testing/at-end.ts";
import type { FromTask, TaskReport } from "../process/messages.ts";
import { probeSandbox, type SandboxMode } from "./sandbox-node.ts";
import { defaultSlotLimits, type SlotLimits, TaskProcess } from "./task-process.ts";

export type Ran = {
  readonly reports: readonly TaskReport[];
  /** Of the process, when it ended by itself or was killed by its watch; null when all was
   *  reported. */
  readonly failure: Failure | null;
};

export type Trial = {
  /** Body of `run(item)`. */
  readonly run: string;
  /** Top of the module. */
  readonly top?: string;
  readonly items?: number;
  readonly sandbox?: SandboxMode;
  readonly memoryBytes?: number;
  readonly scratchMaxBytes?: number;
  readonly limits?: Partial<SlotLimits>;
  readonly around?: JobEnvironment;
};

const mebibyte = 1024 * 1024;
const sandboxes = new Map<SandboxMode, ReturnType<typeof probeSandbox>>();

export async function startProcess(t: TestContext, trial: Trial): Promise<TaskProcess> {
  const mode = trial.sandbox ?? "auto";
  const sandbox = sandboxes.get(mode) ?? probeSandbox(mode);
  sandboxes.set(mode, sandbox);
  const dir = newFolder("slot-");
  const process = new TaskProcess({
    sandbox: await sandbox,
    dir,
    memoryBytes: trial.memoryBytes ?? 64 * mebibyte,
    scratchMaxBytes: trial.scratchMaxBytes ?? 1024 * mebibyte,
    limits: { ...defaultSlotLimits, ...trial.limits },
  });
  t.after(async () => {
    await process.kill();
    removeFolder(dir);
  });
  const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };
  const items = Array.from({ length: trial.items ?? 1 }, (_, item) => `${item}\n`).join("");
  const put = (name: string, text: string) => {
    writeFileSync(join(process.readDir, name), text);
    return join(process.readDir, name);
  };
  // As a global it is gone; what is tried here is what code that is not bundled could do.
  const code = `import process from "node:process";
    ${trial.top ?? ""}
    const run = async (item) => { ${trial.run} };
    export default { kind: "tasks", options: { items: [], run } };`;
  await process.ready;
  process.code = "code";
  process.send({
    kind: "load",
    job: "j-1",
    codePath: put("job.mjs", code),
    codeHash: hashOf(code),
    plan: { text: JSON.stringify(plan) },
    items: { path: put("items.ndjson", items), hash: hashOf(items) },
    scratch: process.writeDir,
    around: trial.around ?? {},
  });
  return process;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Resolves when every item is reported, or the process has ended. */
export async function runItems(t: TestContext, trial: Trial): Promise<Ran> {
  const process = await startProcess(t, trial);
  const count = trial.items ?? 1;
  const reports: TaskReport[] = [];
  const failure = await new Promise<Failure | null>((resolve) => {
    process.listen = (message: FromTask) => {
      if (message.kind === "load-failed") resolve(message.failure);
      if (message.kind === "reports") for (const report of message.reports) reports.push(report);
      if (reports.length >= count) resolve(null);
    };
    void process.ended.then(resolve);
    const items = Array.from({ length: count }, (_, task) => ({ task, attempt: 1 }));
    process.send({ kind: "tasks", items });
  });
  return { reports, failure };
}

/** The result of the only item, or what it failed with. */
export async function resultOf(t: TestContext, trial: Trial): Promise<unknown> {
  const { reports, failure } = await runItems(t, trial);
  const [report] = reports;
  if (report === undefined) return failure;
  return report.kind === "done" ? JSON.parse(report.value ?? "null") : report.failure;
}
