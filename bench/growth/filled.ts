/** A data directory in which many jobs have run: the production loop on a real log, with a worker
 *  that only says that its tasks are done. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Loop, type OuterEffect } from "../../src/coordinator/loop/loop.ts";
import { realTimers } from "../../src/coordinator/loop/timers.ts";
import type { WorkerId } from "../../src/core/ids.ts";
import type { JobSpec } from "../../src/core/job.ts";
import { openSqliteLog } from "../../src/store/log/sqlite.ts";

export type Filling = {
  readonly jobs: number;
  readonly tasksPerJob: number;
  /** graceful: as `tequio down` · kill: nothing is written at the end. */
  readonly end: "graceful" | "kill";
};

const hash = "0".repeat(64);
/** Jobs that run at the same time. */
const atOnce = 16;

function spec(taskCount: number): JobSpec {
  const stage = { kind: "tasks", taskCount, inputStage: null, partitionCount: 0 } as const;
  return {
    name: "no-op",
    codeHash: hash,
    planHash: hash,
    stages: [{ ...stage, timeoutMs: 0, inputBytes: 0 }],
    locality: null,
    limits: { userErrorMax: 4, workersKilledMax: 3, backoffMs: 100, backoffMaxMs: 10_000 },
    backupTasks: false,
    weight: 1,
  };
}

/** How long each group of jobs took, in ms. */
export async function fill(
  dataDir: string,
  { jobs, tasksPerJob, end }: Filling,
): Promise<readonly number[]> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const log = await openSqliteLog(join(dataDir, "log.sqlite"));
  const worker = new Worker();
  const fatal = Promise.withResolvers<never>();
  const loop = await Loop.start({
    log,
    timers: realTimers,
    perform: (effect) => worker.perform(effect),
    onFatal: fatal.reject,
  });
  worker.loop = loop;
  const specs = { name: "bench", host: "bench", slots: 8, memoryBytes: 1e9, kinds: [100] };
  const joined = { ...specs, exchangeUrl: "http://127.0.0.1:1", version: "0" };
  await loop.post({ kind: "worker-joined", worker: null, owner: "a", specs: joined, holding: [] });
  const took: number[] = [];
  for (let at = 0; at < jobs; at += atOnce) {
    const startedMs = performance.now();
    const count = Math.min(atOnce, jobs - at);
    const ended = worker.expect(count);
    for (let n = 0; n < count; n++) {
      const key = `once:${at + n}`;
      const submission = { owner: "admin", key, digest: hash, spec: spec(tasksPerJob) };
      await loop.post({ kind: "job-submitted", ...submission });
    }
    await Promise.race([ended, fatal.promise]);
    took.push(performance.now() - startedMs);
  }
  await loop.post({ kind: "worker-lost", worker: "w-1", reason: "bye" });
  if (end === "graceful") await loop.stop();
  await log.close();
  return took;
}

/** Reports each attempt as done as soon as it has it. */
class Worker {
  loop: Loop | null = null;
  #left = 0;
  #ended = () => {};

  expect(jobs: number): Promise<void> {
    this.#left = jobs;
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  perform(effect: OuterEffect): void {
    if (effect.kind === "close-job" && --this.#left === 0) this.#ended();
    if (effect.kind !== "assign") return;
    const { attempts, job, stage } = effect;
    const reports = attempts.map(({ task, attempt }) => ({
      kind: "done" as const,
      task,
      attempt,
      durationMs: 0.1,
      output: { root: "", sizeBytes: 1, records: 1, value: "1" },
    }));
    const worker: WorkerId = "w-1";
    setImmediate(() => {
      const event = { kind: "attempts-reported" as const, worker, job, stage, reports };
      this.loop?.post(event).catch(() => {});
    });
  }
}
