/** Clusters of one kind only: tabs come and go while lists of tasks run. Nothing else goes wrong,
 *  so every instant counts for the law that no slot stays free beside a ready task (I25). */
import type { Random } from "../src/core/random.ts";
import { type FaultKind, type FaultRate, type FaultRates, faultRates } from "./faults.ts";
import { plainJob, type SimJob } from "./jobs.ts";
import type { WorldShape } from "./world/world.ts";

/** What happens to each cluster's tabs, and how often in an hour of its time. */
const perHour: Partial<Record<FaultKind, number>> = {
  "tab-closed": 120,
  "tab-reloaded": 60,
  "tab-power": 30,
  "tab-frozen": 30,
  "tab-paused": 60,
  "tab-cut": 30,
  "tab-link-break": 60,
};

export const tabListRates: FaultRates = Object.fromEntries(
  (Object.entries(faultRates) as Array<[FaultKind, FaultRate]>).map(([kind, rate]) => {
    const often = perHour[kind];
    const changed = often === undefined ? { probability: 0 } : { probability: 1, perHour: often };
    return [kind, { ...rate, ...changed }];
  }),
) as FaultRates;

/** One to six tabs of up to three slots; half of the clusters have one or two workers, too. */
export function tabListShape(random: Random): WorldShape {
  const tabs = Array.from({ length: 1 + random.below(6) }, () => 1 + random.below(3));
  const workers = random.chance(0.5) ? 0 : 1 + random.below(2);
  return {
    workers,
    slots: Array.from({ length: workers }, () => 1 + random.below(2)),
    liveness: { leaseMs: 15_000, heartbeatMs: 5_000, closedGraceMs: 1_000, tickMs: 1_000 },
    snapshotRecords: [50, 200][random.below(2)]!,
    delayMs: [1, 5, 50][random.below(3)]!,
    writeMs: [4, 10][random.below(2)]!,
    faultsMs: 300_000 + random.below(900_000),
    sweepGraceMs: 600_000,
    straggling: 0.02,
    hidden: 0,
    browsers: {
      tabs,
      bare: random.chance(0.3) ? 1 : 0,
      gateways: 1 + random.below(2),
      noteMs: 20_000,
    },
  };
}

/** Lists of up to 200 tasks of 20 ms to 30 s each, one or several at a time. */
export function tabListJobs(random: Random, shape: WorldShape): Map<number, SimJob> {
  const jobs = new Map<number, SimJob>();
  let atMs = 1_000;
  for (let number = 1; atMs < shape.faultsMs * 0.9; number++) {
    const job = plainJob(random, {
      number,
      submitAtMs: atMs,
      taskCount: 1 + random.below(random.chance(0.5) ? 20 : 200),
      reducers: 0,
      meanMs: [20, 300, 4_000, 30_000][random.below(4)]!,
      backupTasks: random.chance(0.8),
    });
    const bareBrowsers = shape.browsers.bare > 0 && random.chance(0.7);
    jobs.set(number, bareBrowsers ? { ...job, spec: { ...job.spec, bareBrowsers } } : job);
    atMs += random.below(240_000);
  }
  return jobs;
}
