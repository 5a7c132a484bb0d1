/** Short tasks on a far cluster: the same list of tasks at two round trips, same seed. */
import { defaultLiveness } from "../src/coordinator/edges/worker/liveness.ts";
import { Random } from "../src/core/random.ts";
import { SimCluster } from "./cluster.ts";
import { plainJob } from "./jobs.ts";
import { noBrowsers } from "./world/world.ts";

export type FarTasks = {
  readonly seed: number;
  /** Mean round trip between coordinator and workers, ms. */
  readonly rttMs: number;
  readonly tasks: number;
  /** Of one task. */
  readonly meanMs: number;
};

const workers = 3;
const slotsEach = 2;
const submitAtMs = 10_000;

/** Duration of the list on three workers of two slots, ms. Throws when it does not succeed. */
export async function listTimeMs({ meanMs, rttMs, seed, tasks }: FarTasks): Promise<number> {
  const shape = { number: 1, submitAtMs, taskCount: tasks, reducers: 0, meanMs, backupTasks: true };
  const job = plainJob(new Random(seed), shape);
  const cluster = new SimCluster({
    seed,
    shape: {
      workers,
      slots: Array.from({ length: workers }, () => slotsEach),
      liveness: defaultLiveness,
      snapshotRecords: 50_000,
      delayMs: rttMs / 2,
      writeMs: 1,
      faultsMs: 0,
      sweepGraceMs: 3_600_000,
      straggling: 0,
      hidden: 0,
      browsers: noBrowsers,
    },
    faults: [],
    jobs: new Map([[1, job]]),
    lawsEvery: 500,
  });
  await cluster.finish(100 * tasks * meanMs);
  if (cluster.judge.broken !== null) throw cluster.judge.broken;
  const tookMs = cluster.judge.tookMs.get(job.key);
  if (tookMs === undefined) throw new Error(`seed ${seed}: the job has not ended`);
  return tookMs;
}
