/** What do more workers cost the coordinator? The real core, the real liveness and the real codec,
 *  with workers that only pretend: no sockets, no disk. CPU time, which other work on the machine
 *  disturbs least. */

import { defaultLiveness, Liveness } from "../../src/coordinator/edges/worker/liveness.ts";
import { workerId } from "../../src/core/ids.ts";
import { encodeEnvelope } from "../../src/wire/manager/codec.ts";
import { ManagerSession } from "../../src/wire/manager/session.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { taskCostUs } from "./core.ts";

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
  const tasks = taskCostUs({ workers, jobs: 1, tasks: quick ? quickTasks : taskCount, durationMs });
  const heartbeats = heartbeatCost(workers);
  const named = `${workers.toLocaleString("en")} workers`;
  say(`${named}: ${tasks.toFixed(2)} µs a task, ${heartbeats.toFixed(2)} µs a heartbeat`);
  return [
    { name: `${named}: CPU a task`, value: tasks, unit: "µs" },
    { name: `${named}: CPU a heartbeat`, value: heartbeats, unit: "µs" },
  ];
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

/** What the coordinator does each time, whichever workers it received messages from. */
function tick(atMs: number, liveness: Liveness, sessions: readonly ManagerSession[]): void {
  for (const session of sessions) session.expired(atMs);
  if (liveness.due(atMs).length > 0) throw new Error("a live worker was given up");
}

/** As a worker of ours sends it. */
export function pingFrame(): Uint8Array {
  const message = { kind: "managerPing" } as const;
  return encodeEnvelope({ requestId: 1_000_000, answerTo: null, message });
}
