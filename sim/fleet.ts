/** A thousand workers with a stream of jobs and of faults: the cluster on the simulation page. The
 *  same seed gives the same run as long as the viewer does not interfere. */
import { defaultLiveness } from "../src/coordinator/edges/worker/liveness.ts";
import { Random } from "../src/core/random.ts";
import { SimCluster } from "./cluster.ts";
import type { FaultKind } from "./faults.ts";
import { plainJob, type SimJob } from "./jobs.ts";
import type { TraceLine } from "./trace-log.ts";
import { noBrowsers } from "./world/world.ts";

export type FleetOptions = {
  readonly seed: number;
  /** Default 1,000. */
  readonly workers?: number;
  /** How many jobs are kept running; default 3. */
  readonly jobs?: number;
  readonly told?: (line: TraceLine) => void;
};

/** Jobs are submitted and faults drawn at multiples of this, ms. */
export const stepMs = 100;
/** Mean time between two faults, ms. */
const faultEveryMs = 4_000;
/** Laws about the whole state are checked once per this many records: there are a hundred a
 *  second. */
const lawsEvery = 1_000;

type Mishap = { readonly kind: FaultKind; readonly weight: number; readonly forMs: number };
const mishaps: readonly Mishap[] = [
  { kind: "worker-crash", weight: 6, forMs: 20_000 },
  { kind: "worker-power", weight: 4, forMs: 60_000 },
  { kind: "worker-pause", weight: 6, forMs: 40_000 },
  { kind: "worker-stop", weight: 3, forMs: 15_000 },
  { kind: "worker-slow-cpu", weight: 5, forMs: 180_000 },
  { kind: "worker-clone", weight: 2, forMs: 60_000 },
  { kind: "worker-loses-output", weight: 3, forMs: 0 },
  { kind: "link-cut", weight: 5, forMs: 40_000 },
  { kind: "link-cut-to-coordinator", weight: 3, forMs: 30_000 },
  { kind: "link-break", weight: 5, forMs: 0 },
  { kind: "link-slow", weight: 3, forMs: 60_000 },
  { kind: "transfer-flips", weight: 1, forMs: 10_000 },
  { kind: "coordinator-crash", weight: 1, forMs: 3_000 },
  { kind: "coordinator-crash-in-write", weight: 1, forMs: 2_000 },
  { kind: "coordinator-second", weight: 1, forMs: 12_000 },
  { kind: "disk-slow", weight: 1, forMs: 10_000 },
];
const weights = mishaps.reduce((sum, { weight }) => sum + weight, 0);

export class Fleet {
  readonly cluster: SimCluster;
  readonly workers: number;
  /** Submitted jobs, the newest last. */
  readonly jobs: SimJob[] = [];
  /** Whether faults are drawn at random. */
  mishaps = true;
  readonly #random: Random;
  readonly #jobsWanted: number;

  constructor(options: FleetOptions) {
    const { seed, workers = 1_000, jobs: jobsWanted = 3 } = options;
    this.workers = workers;
    this.#jobsWanted = jobsWanted;
    this.#random = new Random(seed * 2 + 6e9);
    const shape = {
      workers,
      slots: Array.from({ length: workers }, () => 1),
      liveness: defaultLiveness,
      snapshotRecords: 5_000,
      delayMs: 5,
      writeMs: 4,
      faultsMs: Infinity,
      sweepGraceMs: 600_000,
      straggling: 0.005,
      hidden: 0,
      browsers: noBrowsers,
    };
    const told = options.told === undefined ? {} : { told: options.told };
    const jobs = new Map<number, SimJob>();
    this.cluster = new SimCluster({ seed, shape, faults: [], jobs, lawsEvery, ...told });
  }

  /** Runs one step. */
  async step(): Promise<void> {
    const { cluster } = this;
    await cluster.advance(cluster.nowMs + stepMs);
    if (cluster.nowMs >= 2_000 && cluster.jobsLeft < this.#jobsWanted) this.submit();
    if (this.mishaps && this.#random.chance(stepMs / faultEveryMs)) this.#mishap();
  }

  submit(): void {
    const random = this.#random;
    const reducers = random.chance(0.6) ? 20 + random.below(20) : 0;
    const taskCount = this.workers * (2 + random.below(3));
    const number = this.jobs.length + 1;
    const meanMs = 4_000 + random.below(8_000);
    const submitAtMs = this.cluster.nowMs;
    const shape = { number, submitAtMs, taskCount, reducers, meanMs, backupTasks: true };
    const job = plainJob(random, shape);
    this.jobs.push(job);
    this.cluster.submit(job);
  }

  /** Injects the same fault into a share of the workers, at one moment. */
  injectSome(kind: FaultKind, share: number, forMs: number): void {
    const count = Math.max(1, Math.round(share * this.workers));
    const first = this.#random.below(this.workers);
    for (let index = 0; index < count; index++) {
      const target = (first + Math.floor((index * this.workers) / count)) % this.workers;
      this.cluster.inject(kind, { target, forMs });
    }
  }

  #mishap(): void {
    const random = this.#random;
    let at = random.below(weights);
    const mishap = mishaps.find(({ weight }) => {
      at -= weight;
      return at < 0;
    })!;
    const forMs = Math.round(mishap.forMs * (0.5 + random.fraction()));
    const target = random.below(this.workers);
    this.cluster.inject(mishap.kind, { target, forMs, draw: random.fraction() });
  }
}
