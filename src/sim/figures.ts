/** What deaths and a slow machine cost a job: its time with them against its time without, in the
 *  same cluster from the same seed. */
import { defaultLiveness } from "../coordinator/liveness.ts";
import { Random } from "../core/random.ts";
import { SimCluster } from "./cluster.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { plainJob } from "./jobs.ts";
import type { WorldShape } from "./world/world.ts";

/** One slot a worker; a map/reduce of the size that keeps each worker busy for forty tasks. */
export const fleet = { workers: 100, mapTasks: 4_000, reduceTasks: 100, meanMs: 10_000 };

export type Trial = {
  readonly seed: number;
  readonly reduceTasks?: number;
  readonly backupTasks?: boolean;
  readonly faults?: readonly Fault[];
};

/** Limit for one trial, ms of the cluster's time: ten times what the work takes. */
const limitMs = (10 * fleet.mapTasks * fleet.meanMs) / fleet.workers;
const jobNumber = 1;
const submitAtMs = 10_000;
/** Laws about the whole state, at every so many records: all of them look the same here. */
const lawsEvery = 500;

/** How long the job takes, ms. Throws when it does not end well. */
export async function jobTimeMs(trial: Trial): Promise<number> {
  const { backupTasks = true, faults = [], reduceTasks = fleet.reduceTasks, seed } = trial;
  const job = plainJob(new Random(seed), {
    number: jobNumber,
    submitAtMs,
    taskCount: fleet.mapTasks,
    reducers: reduceTasks,
    meanMs: fleet.meanMs,
    backupTasks,
  });
  const jobs = new Map([[jobNumber, job]]);
  const cluster = new SimCluster({ seed, shape, faults, jobs, lawsEvery });
  await cluster.finish(limitMs);
  const tookMs = cluster.judge.tookMs.get(job.key);
  if (cluster.judge.broken !== null) throw cluster.judge.broken;
  if (tookMs === undefined) throw new Error(`seed ${seed}: the job has not ended`);
  return tookMs;
}

const shape: WorldShape = {
  workers: fleet.workers,
  slots: Array.from({ length: fleet.workers }, () => 1),
  liveness: defaultLiveness,
  snapshotRecords: 50_000,
  delayMs: 1,
  writeMs: 4,
  faultsMs: 0,
  sweepGraceMs: 3_600_000,
  straggling: 0,
};

/** `share` of the workers die at one moment, each for `forMs`. */
export function deaths(share: number, atMs: number, options: Died): Fault[] {
  const { forMs, kind } = options;
  const count = Math.round(share * fleet.workers);
  return Array.from({ length: count }, (_, index) => {
    const target = Math.floor((index * fleet.workers) / count);
    return { number: index + 1, atMs: submitAtMs + atMs, kind, target, forMs, draw: 0 };
  });
}
type Died = { readonly kind: FaultKind; readonly forMs: number };

/** One worker takes ten times as long, from the beginning. */
export function straggler(): Fault[] {
  // See `worker-slow-cpu`: four times, and up to twelve more.
  const draw = 0.5;
  return [{ number: 1, atMs: 0, kind: "worker-slow-cpu", target: 7, forMs: 1e9, draw }];
}
