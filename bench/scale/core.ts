/** What a task costs the coordinator's core, with workers that only pretend: no sockets, no disk.
 *  CPU time, which other work on the machine disturbs least. */
import { emptyState, step } from "../../src/core/coordinator.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import type { JobId, WorkerId } from "../../src/core/ids.ts";
import { defaultLimits, type JobSpec } from "../../src/core/job.ts";

type Untimed = CoordinatorEvent extends infer E
  ? E extends CoordinatorEvent
    ? Omit<E, "atMs">
    : never
  : never;

export type CoreLoad = {
  readonly workers: number;
  /** All submitted before the first task is done. */
  readonly jobs: number;
  /** Of all jobs together; a multiple of `jobs`. */
  readonly tasks: number;
  /** What each task takes, as its worker says. */
  readonly durationMs: number;
};

type Given = {
  readonly job: JobId;
  readonly attempts: Extract<Effect, { kind: "assign" }>["attempts"];
};

/** µs of CPU a task, from the submission of its job to being done. */
export function taskCostUs({ workers, jobs, tasks, durationMs }: CoreLoad): number {
  const state = emptyState();
  let atMs = 0;
  const held = new Map<WorkerId, Given[]>();
  const turn: WorkerId[] = [];
  const perform = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind !== "assign") continue;
      const known = held.get(effect.worker);
      if (known !== undefined) known.push(effect);
      else {
        held.set(effect.worker, [effect]);
        turn.push(effect.worker);
      }
    }
  };
  const tell = (event: Untimed) => perform(step(state, { ...event, atMs } as CoordinatorEvent));
  for (let index = 0; index < workers; index++) tell(joined(index));
  const began = process.cpuUsage();
  const spec = jobOf(tasks / jobs);
  for (let job = 0; job < jobs; job++) {
    tell({ kind: "job-submitted", owner: "bench", key: null, digest: "", spec });
  }
  const ended = { kind: "done", durationMs, output } as const;
  for (let next = 0; next < turn.length; next++) {
    const worker = turn[next]!;
    const given = held.get(worker)!;
    held.delete(worker);
    // Every worker reports in its turn, and all of them once in the duration of a task.
    atMs += durationMs / workers;
    for (const { attempts, job } of given) {
      const reports = attempts.map((attempt) => ({ ...attempt, ...ended }));
      tell({ kind: "attempts-reported", worker, job, stage: 0, reports });
    }
  }
  const { user, system } = process.cpuUsage(began);
  if (state.active.size > 0) throw new Error(`${state.active.size} simulated jobs did not end`);
  return (user + system) / tasks;
}

const output = { root: "", sizeBytes: 1, records: 1, value: "1" };

function joined(index: number): Untimed {
  const specs = {
    name: `worker ${index}`,
    host: `host ${index}`,
    slots: 1,
    memoryBytes: 1e9,
    kinds: [100],
    exchangeUrl: "",
    version: "",
  };
  return { kind: "worker-joined", worker: null, owner: "bench", specs, holding: [] };
}

function jobOf(taskCount: number): JobSpec {
  const hash = "0".repeat(64);
  const stage = { kind: "tasks", taskCount, inputStage: null, partitionCount: 0 } as const;
  return {
    name: "bench",
    codeHash: hash,
    planHash: hash,
    stages: [{ ...stage, timeoutMs: 0, inputBytes: 0 }],
    locality: null,
    limits: defaultLimits,
    backupTasks: true,
    weight: 1,
  };
}
