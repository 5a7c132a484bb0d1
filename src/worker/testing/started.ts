/** A real worker in a directory of its own for one test, and jobs for it. */
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AttemptRef } from "../../core/ids.ts";
import { hostId } from "../../link/host.ts";
import { atEnd, temporaryDir } from "../../store/testing/at-end.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { JobOpen } from "../../wire/manager/messages.ts";
import { type RunningWorker, startWorker, type WorkerOptions } from "../node.ts";
import { joinToken, type ScriptedManager } from "./scripted-manager.ts";

export async function started(
  t: TestContext,
  manager: ScriptedManager,
  over: Partial<WorkerOptions> = {},
): Promise<RunningWorker & { readonly dataDir: string }> {
  // With nothing beside it: workers whose directories are neighbours read each other's files.
  const dataDir = join(temporaryDir(t, "worker-"), "worker");
  const worker = await startWorker({
    url: manager.url,
    token: joinToken,
    dataDir,
    slots: 1,
    memoryBytes: 256 * 1024 * 1024,
    name: "tested",
    sandbox: "auto",
    listen: "127.0.0.1:0",
    ...over,
  });
  atEnd(t, () => worker.stop(0));
  return { ...worker, dataDir };
}

/** A `tasks` job whose `run(item)` has this body; item n is the number n. */
export function tasksJob(manager: ScriptedManager, run: string, count = 1_000): JobOpen {
  const items = Array.from({ length: count }, (_, item) => `${item}\n`).join("");
  const code = `export default { kind: "tasks", options: { items: [],
    run: async (item) => { ${run} } } };`;
  const plan = { items: { hash: manager.put(items), count } };
  return opened(manager, code, plan, [{ kind: "tasks", partitionCount: 0 }]);
}

const wordCount = `export default { kind: "map-reduce",
  inputs: { default: { map(line, emit) { for (const word of line.split(" ")) emit(word, 1); } } },
  options: { combine: (a, b) => a + b } };`;

/** Counts words of a file on this machine, cut into `maps` splits, in `reducers` partitions. */
export function wordCountJob(
  t: TestContext,
  manager: ScriptedManager,
  options: {
    readonly text: string;
    readonly maps: number;
    readonly reducers: number;
    /** By default it counts words. */
    readonly code?: string;
    readonly params?: Plan["params"];
  },
): JobOpen {
  const path = join(temporaryDir(t), "input.txt");
  writeFileSync(path, options.text);
  const sizeBytes = Buffer.byteLength(options.text);
  const cut = Math.ceil(sizeBytes / options.maps);
  const at = { kind: "path", host: hostId(), path, mtimeMs: statSync(path).mtimeMs } as const;
  const plan: Partial<Plan> = {
    files: [{ name: "input.txt", compression: "none", sizeBytes, at }],
    splits: Array.from({ length: options.maps }, (_, n) => ({
      input: "default",
      pieces: [[0, n * cut, Math.min(sizeBytes, (n + 1) * cut)]],
    })),
    reducers: options.reducers,
    spillBytes: 1024 * 1024,
    params: options.params ?? {},
  };
  return opened(manager, options.code ?? wordCount, plan, [
    { kind: "map", partitionCount: options.reducers },
    { kind: "reduce", partitionCount: 0 },
  ]);
}

function opened(
  manager: ScriptedManager,
  code: string,
  over: Partial<Plan>,
  stages: JobOpen["stages"],
): JobOpen {
  const plan: Plan = {
    version: 1,
    files: [],
    splits: [],
    items: null,
    params: {},
    reducers: 0,
    spillBytes: 0,
    ...over,
  };
  return {
    job: "j-1",
    name: "tested",
    owner: "ann",
    codeHash: manager.put(code),
    planHash: manager.put(JSON.stringify(plan)),
    exchangeKey: "key of j-1",
    nowMs: 1_000_000,
    stages,
  };
}

export function ref(task: number, over: Partial<AttemptRef> = {}): AttemptRef {
  return { job: "j-1", stage: 0, task, attempt: 1, ...over };
}

export function refs(count: number, from = 0): AttemptRef[] {
  return Array.from({ length: count }, (_, index) => ref(from + index));
}
