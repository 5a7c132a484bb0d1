/** What do more workers cost the coordinator? The real core, the real liveness and the real codec,
 *  with workers that only pretend: no sockets, no disk. CPU time, which other work on the machine
 *  disturbs least. */

import { defaultLiveness, Liveness } from "../../src/coordinator/edges/worker/liveness.ts";
import { emptyState, step } from "../../src/core/coordinator.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { CoordinatorEvent } from "../../src/core/event.ts";
import { type WorkerId, workerId } from "../../src/core/ids.ts";
import { defaultLimits, type JobSpec } from "../../src/core/job.ts";
import { encodeEnvelope } from "../../src/wire/manager/codec.ts";
import { ManagerSession } from "../../src/wire/manager/session.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";

const workerCounts = [10, 100, 1_000, 10_000, 100_000];
const taskCount = 1_000_000;
const quickWorkers = 1_000;
const quickTasks = 50_000;
/** What a task takes, as its worker says. */
const durationMs = 200;

export const scale: Case = {
  name: "scale",
  question:
    "What a task and a heartbeat cost the coordinator with 10 to 100,000 workers, simulated",
  async run(options) {
    const counts = workerCounts.filter((count) => !options.quick || count <= quickWorkers);
    return counts.flatMap((workers) => measure(workers, options));
  },
};

function measure(workers: number, { quick, say }: BenchOptions): Figure[] {
  const tasks = taskCost(workers, quick ? quickTasks : taskCount);
  const heartbeats = heartbeatCost(workers);
  const named = `${workers.toLocaleString("en")} workers`;
  say(`${named}: ${tasks.toFixed(2)} µs a task, ${heartbeats.toFixed(2)} µs a heartbeat`);
  return [
    { name: `${named}: CPU a task`, value: tasks, unit: "µs" },
    { name: `${named}: CPU a heartbeat`, value: heartbeats, unit: "µs" },
  ];
}

type Untimed = CoordinatorEvent extends infer E
  ? E extends CoordinatorEvent
    ? Omit<E, "atMs">
    : never
  : never;

/** µs of CPU a task, from being given out to being done. */
function taskCost(workers: number, tasks: number): number {
  const state = emptyState();
  let atMs = 0;
  const held = new Map<WorkerId, Array<{ readonly task: number; readonly attempt: number }>>();
  const turn: WorkerId[] = [];
  const perform = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind !== "assign") continue;
      const known = held.get(effect.worker);
      if (known !== undefined) known.push(...effect.attempts);
      else {
        held.set(effect.worker, [...effect.attempts]);
        turn.push(effect.worker);
      }
    }
  };
  const tell = (event: Untimed) => perform(step(state, { ...event, atMs } as CoordinatorEvent));
  for (let index = 0; index < workers; index++) tell(joined(index));
  const began = process.cpuUsage();
  const spec = jobOf(tasks);
  tell({ kind: "job-submitted", owner: "bench", key: null, digest: "", spec });
  for (let next = 0; next < turn.length; next++) {
    const worker = turn[next]!;
    const attempts = held.get(worker)!;
    held.delete(worker);
    // Every worker reports in its turn, and all of them once in the duration of a task.
    atMs += durationMs / workers;
    const reports = attempts.map((attempt) => ({ ...attempt, ...done }));
    tell({ kind: "attempts-reported", worker, job: "j-1", stage: 0, reports });
  }
  const { user, system } = process.cpuUsage(began);
  if (state.jobs.get(1)?.state !== "done") throw new Error("the simulated job did not end");
  return (user + system) / tasks;
}

const output = { root: "", sizeBytes: 1, records: 1, value: "1" };
const done = { kind: "done", durationMs, output } as const;

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

const heartbeatsMin = 200_000;

/** µs of CPU a heartbeat: decoding the ping, noting it, encoding the pong, and its share of looking
 *  for silent workers ten times a second. */
function heartbeatCost(workers: number): number {
  const liveness = new Liveness(defaultLiveness);
  const { heartbeatMs, tickMs } = defaultLiveness;
  const ids = Array.from({ length: workers }, (_, index) => workerId(index + 1));
  const sessions = ids.map(() => new ManagerSession({ role: "manager" }));
  for (const id of ids) liveness.watch(id, 0);
  const rounds = Math.max(2, Math.ceil(heartbeatsMin / workers));
  const ping = pingFrame();
  let ticked = 0;
  const began = process.cpuUsage();
  for (let round = 0; round < rounds; round++) {
    for (const [index, id] of ids.entries()) {
      const atMs = heartbeatMs * (round + index / workers);
      for (; ticked <= atMs; ticked += tickMs) tick(ticked, liveness, sessions);
      for (const arrival of sessions[index]!.receive(ping)) {
        if (arrival.kind === "request") arrival.answer({ kind: "managerPong" });
      }
      liveness.heard(id, atMs);
    }
  }
  const { user, system } = process.cpuUsage(began);
  return (user + system) / (rounds * workers);
}

/** What the coordinator does each time, whoever was heard. */
function tick(atMs: number, liveness: Liveness, sessions: readonly ManagerSession[]): void {
  for (const session of sessions) session.expired(atMs);
  if (liveness.due(atMs).length > 0) throw new Error("a worker that is heard was given up");
}

/** As a worker of ours sends it. */
export function pingFrame(): Uint8Array {
  const message = { kind: "managerPing" } as const;
  return encodeEnvelope({ requestId: 1_000_000, answerTo: null, message });
}
