/** The cost of crashes and of a slow machine: a job's time with them against its time without, in
 *  the same cluster with the same seed. */
import { defaultLiveness } from "../src/coordinator/edges/worker/liveness.ts";
import { Random } from "../src/core/random.ts";
import { SimCluster } from "./cluster.ts";
import type { Fault, FaultKind } from "./faults.ts";
import { plainJob } from "./jobs.ts";
import { noBrowsers, type WorldShape } from "./world/world.ts";

/** One slot a worker; a map/reduce job large enough that each worker runs forty tasks. */
export const fleet = { workers: 100, mapTasks: 4_000, reduceTasks: 100, meanMs: 10_000 };
export type FleetSize = typeof fleet;
/** Half of it, for tests: each worker has the same work, at a quarter of the cost, which grows with
 *  map tasks × reduce tasks. */
export const halfFleet: FleetSize = { ...fleet, workers: 50, mapTasks: 2_000, reduceTasks: 50 };

export type Trial = {
  readonly seed: number;
  readonly size?: FleetSize;
  readonly backupTasks?: boolean;
  readonly faults?: readonly Fault[];
};

const jobNumber = 1;
const submitAtMs = 10_000;
/** Laws about the whole state are checked once per this many records. */
const lawsEvery = 500;

/** Duration of the job, ms. Throws when it does not succeed. */
export async function jobTimeMs(trial: Trial): Promise<number> {
  const { backupTasks = true, faults = [], seed, size = fleet } = trial;
  const { mapTasks, meanMs, reduceTasks, workers } = size;
  const job = plainJob(new Random(seed), {
    number: jobNumber,
    submitAtMs,
    taskCount: mapTasks,
    reducers: reduceTasks,
    meanMs,
    backupTasks,
  });
  const jobs = new Map([[jobNumber, job]]);
  const cluster = new SimCluster({ seed, shape: shapeOf(workers), faults, jobs, lawsEvery });
  // Of simulated time: ten times the work.
  await cluster.finish((10 * mapTasks * meanMs) / workers);
  const tookMs = cluster.judge.tookMs.get(job.key);
  if (cluster.judge.broken !== null) throw cluster.judge.broken;
  if (tookMs === undefined) throw new Error(`seed ${seed}: the job has not ended`);
  return tookMs;
}

const shapeOf = (workers: number): WorldShape => ({
  workers,
  slots: Array.from({ length: workers }, () => 1),
  liveness: defaultLiveness,
  snapshotRecords: 50_000,
  delayMs: 1,
  writeMs: 4,
  faultsMs: 0,
  sweepGraceMs: 3_600_000,
  straggling: 0,
  hidden: 0,
  browsers: noBrowsers,
});

/** `share` of the workers crash at one moment, each for `forMs`. */
function deaths(workers: number, atMs: number, { forMs, kind }: Died): Fault[] {
  const count = Math.round(share * workers);
  return Array.from({ length: count }, (_, index) => {
    const target = Math.floor((index * workers) / count);
    return { number: index + 1, atMs: submitAtMs + atMs, kind, target, forMs, draw: 0 };
  });
}
type Died = { readonly kind: FaultKind; readonly forMs: number };

/** One worker takes ten times as long, from the beginning. */
function straggler(): Fault[] {
  // See `worker-slow-cpu`: four times, and up to twelve more.
  const draw = 0.5;
  return [{ number: 1, atMs: 0, kind: "worker-slow-cpu", target: 7, forMs: 1e9, draw }];
}

export type Figure = {
  readonly what: string;
  /** Limit on the cost, percent; null = reported, without a limit. */
  readonly boundPercent: number | null;
  /** By seed: how much longer the job takes. */
  readonly percents: readonly number[];
};

export type Row = {
  readonly what: string;
  readonly boundPercent: number | null;
  readonly trial: (withoutMs: number, workers: number) => Omit<Trial, "seed" | "size">;
};

const share = 0.12;
const restarted = { kind: "worker-crash", forMs: 2_000 } as const;
const unplugged = { kind: "worker-power", forMs: 60_000 } as const;
const gone = { kind: "worker-crash", forMs: 1e9 } as const;

/** The limits that a test checks. */
export const promised: readonly Row[] = [
  {
    what: "12 % of the workers are killed midway, and started again after 2 s",
    boundPercent: 10,
    trial: (withoutMs, workers) => ({ faults: deaths(workers, withoutMs / 2, restarted) }),
  },
  {
    what: "12 % lose their power midway, are detected by their silence, and return after 60 s",
    boundPercent: 10,
    trial: (withoutMs, workers) => ({ faults: deaths(workers, withoutMs / 2, unplugged) }),
  },
  {
    what: "one worker takes ten times as long for everything",
    boundPercent: 10,
    trial: () => ({ faults: straggler() }),
  },
  {
    what: "the same, without backup tasks",
    boundPercent: null,
    trial: () => ({ faults: straggler(), backupTasks: false }),
  },
];

const shown: readonly Row[] = [
  {
    what: "12 % are killed midway and never return: fewer workers, and outputs to compute again",
    boundPercent: null,
    trial: (withoutMs, workers) => ({ faults: deaths(workers, withoutMs / 2, gone) }),
  },
];

/** `all`: also the rows without a limit. */
export async function figures(
  seeds: readonly number[],
  { all = false, size = fleet }: { readonly all?: boolean; readonly size?: FleetSize },
): Promise<Figure[]> {
  const rows = all ? [...promised, ...shown] : promised;
  const percents = rows.map((): number[] => []);
  for (const seed of seeds) {
    const withoutMs = await jobTimeMs({ seed, size });
    for (const [index, { trial }] of rows.entries()) {
      const withMs = await jobTimeMs({ seed, size, ...trial(withoutMs, size.workers) });
      percents[index]!.push((withMs / withoutMs - 1) * 100);
    }
  }
  return rows.map(({ what, boundPercent }, index) => {
    return { what, boundPercent, percents: percents[index]! };
  });
}

export function figureText({ what, boundPercent, percents }: Figure): string {
  const sorted = percents.toSorted((a, b) => a - b);
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  const most = sorted.at(-1) ?? Number.NaN;
  const bound = boundPercent === null ? "" : `, at most +${boundPercent} % is allowed`;
  return `${what}: +${median.toFixed(1)} % (median), +${most.toFixed(1)} % (most)${bound}`;
}
