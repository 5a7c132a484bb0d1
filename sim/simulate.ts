/** What a seed decides: the shape of a cluster, its jobs and its faults; then the cluster runs, and
 *  judges check it. The same options give the same run, event for event (I22). */
import { Random } from "../src/core/random.ts";
import { SimCluster, type SimResult } from "./cluster.ts";
import { type Fault, type FaultRate, type FaultRates, faultRates, planFaults } from "./faults.ts";
import { makeJob, type SimJob } from "./jobs.ts";
import { tabListJobs, tabListRates, tabListShape } from "./tab-lists.ts";
import { lineText } from "./trace-log.ts";
import { noBrowsers, type WorldShape } from "./world/world.ts";

export type SimOptions = {
  readonly seed: number;
  readonly rates?: Partial<Record<keyof FaultRates, FaultRate>>;
  /** Numbers of the faults that are injected; all of the plan by default. */
  readonly faults?: ReadonlySet<number>;
  /** Numbers of the jobs that are submitted; all by default. */
  readonly jobs?: ReadonlySet<number>;
  /** Record a trace of the events. */
  readonly story?: boolean;
  /** Only tabs that come and go while lists of tasks run; without it every kind of cluster. */
  readonly tabLists?: boolean;
};

export type SeedResult = SimResult & {
  /** All planned faults, whether they happened or not. */
  readonly faults: readonly Fault[];
  readonly jobs: readonly number[];
  readonly story: readonly string[];
};

/** Share of the clusters that have gateways and tabs. */
const browsersShare = 0.25;

/** Share of the clusters that have unreachable workers. */
const hiddenShare = 0.3;

/** Factors, relative to a rough cluster, by which faults and jobs are rarer and tasks slower. */
type Pace = { readonly faults: number; readonly jobs: number; readonly tasks: number };

/** In some clusters faults come every few seconds. In the others there is about one a minute, and
 *  tasks take longer as jobs are rarer, so that there is work most of the time. */
const roughShare = 0.2;
const rough: Pace = { faults: 1, jobs: 1, tasks: 1 };
const calm: Pace = { faults: 4, jobs: 3, tasks: 4 };

export async function simulate(options: SimOptions): Promise<SeedResult> {
  const { seed } = options;
  const { faults, jobs, shape } = options.tabLists ? drawTabLists(options) : drawAny(options);
  const story: string[] = [];
  const cluster = new SimCluster({
    seed,
    shape,
    faults: faults.filter(({ number }) => options.faults?.has(number) ?? true),
    jobs: new Map([...jobs].filter(([number]) => options.jobs?.has(number) ?? true)),
    isSteady: options.tabLists ?? false,
    ...(options.story ? { told: (line) => story.push(lineText(line)) } : {}),
  });
  const result = await cluster.run();
  return { ...result, faults, jobs: [...jobs.keys()], story };
}

type Drawn = {
  readonly shape: WorldShape;
  readonly faults: readonly Fault[];
  readonly jobs: ReadonlyMap<number, SimJob>;
};

function drawAny({ seed, rates }: SimOptions): Drawn {
  const shape = drawShape(new Random(seed));
  const pace = new Random(seed * 2 + 6e9).chance(roughShare) ? rough : calm;
  const rarer = slower({ ...faultRates, ...rates }, pace.faults);
  const faults = planFaults(new Random(seed * 2 + 1e9), shape.faultsMs, rarer);
  return { shape, faults, jobs: drawJobs(new Random(seed * 2 + 2e9), shape, pace) };
}

function drawTabLists({ seed, rates }: SimOptions): Drawn {
  const shape = tabListShape(new Random(seed));
  const all = { ...tabListRates, ...rates };
  const faults = planFaults(new Random(seed * 2 + 1e9), shape.faultsMs, all);
  return { shape, faults, jobs: tabListJobs(new Random(seed * 2 + 2e9), shape) };
}

function slower(rates: FaultRates, times: number): FaultRates {
  const slowed = Object.entries(rates).map(([kind, rate]) => {
    return [kind, { ...rate, perHour: rate.perHour / times }];
  });
  return Object.fromEntries(slowed) as FaultRates;
}

function drawShape(random: Random): WorldShape {
  const workers = 2 + random.below(5);
  const quick = { leaseMs: 15_000, heartbeatMs: 5_000, closedGraceMs: 1_000, tickMs: 1_000 };
  const calm = { leaseMs: 60_000, heartbeatMs: 20_000, closedGraceMs: 2_000, tickMs: 5_000 };
  const shape = {
    workers,
    slots: Array.from({ length: workers }, () => 1 + random.below(3)),
    liveness: random.chance(0.5) ? quick : calm,
    snapshotRecords: [15, 50, 200][random.below(3)]!,
    delayMs: [1, 5, 50][random.below(3)]!,
    writeMs: [4, 10, 40][random.below(3)]!,
    faultsMs: 600_000 + random.below(5_400_000),
    sweepGraceMs: 600_000,
    straggling: 0.02,
    hidden: 0,
    browsers: noBrowsers,
  };
  const drawn = random.chance(browsersShare) ? withBrowsers(shape, random) : shape;
  const isHiding = drawn.workers > 0 && random.chance(hiddenShare);
  return isHiding ? { ...drawn, hidden: 1 + random.below(drawn.workers) } : drawn;
}

/** Adds tabs to the workers, or replaces some or all of them. */
function withBrowsers(shape: WorldShape, random: Random): WorldShape {
  const workers = random.chance(0.3) ? 0 : Math.ceil(shape.workers / 2);
  const tabs = Array.from({ length: 1 + random.below(4) }, () => 1 + random.below(3));
  const bare = random.chance(0.4) ? 1 + random.below(2) : 0;
  const gateways = 1 + random.below(2);
  const browsers = { tabs, bare, gateways, noteMs: 20_000 };
  return { ...shape, workers, slots: shape.slots.slice(0, workers), browsers };
}

function drawJobs(random: Random, shape: WorldShape, pace: Pace): Map<number, SimJob> {
  const jobs = new Map<number, SimJob>();
  let atMs = 1_000;
  for (let number = 1; atMs < shape.faultsMs * 0.9; number++) {
    const bareBrowsers = shape.browsers.bare > 0 && random.chance(0.7);
    jobs.set(
      number,
      makeJob(random, { number, submitAtMs: atMs, bareBrowsers, slowness: pace.tasks }),
    );
    atMs += random.below(300_000) * pace.jobs;
  }
  return jobs;
}
