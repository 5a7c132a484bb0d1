/** The faults of a simulated world: kinds with their rates, planned from the seed before anything
 *  runs, so that a run can be repeated without some of them. */
import type { Random } from "../src/core/random.ts";
import { exactFunctions } from "../src/environment/math/functions.ts";

export type FaultRate = {
  /** Share of the seeds in which this kind happens at all, 0 to 1. */
  readonly probability: number;
  /** Mean number per hour of simulated time, in the runs in which it happens. */
  readonly perHour: number;
  /** Duration, ms: between these bounds. 0 = it ends at once. */
  readonly forMs: readonly [least: number, most: number];
};

const often = { probability: 0.5, perHour: 24 };
const seldom = { probability: 0.3, perHour: 6 };

/** Default rates; each is an option of `simulate`. */
export const faultRates = {
  "worker-crash": { ...often, forMs: [500, 60_000] },
  "worker-power": { ...often, forMs: [5_000, 120_000] },
  "worker-pause": { ...often, forMs: [100, 60_000] },
  "worker-stop": { ...seldom, forMs: [500, 30_000] },
  "worker-slow-cpu": { ...often, forMs: [10_000, 300_000] },
  "worker-clone": { ...often, forMs: [20_000, 120_000] },
  "worker-intruder": { ...often, forMs: [10_000, 60_000] },
  "worker-loses-output": { ...often, forMs: [0, 0] },
  "all-workers-crash": { probability: 0.2, perHour: 3, forMs: [500, 30_000] },
  "link-cut": { ...often, forMs: [100, 60_000] },
  "link-cut-to-coordinator": { ...often, forMs: [100, 60_000] },
  "link-cut-from-coordinator": { ...often, forMs: [100, 60_000] },
  "link-break": { ...often, forMs: [0, 0] },
  "link-slow": { ...often, forMs: [1_000, 120_000] },
  "peers-cut": { ...often, forMs: [5_000, 120_000] },
  "transfer-flips": { ...often, forMs: [10_000, 120_000] },
  "client-cut": { ...often, forMs: [1_000, 60_000] },
  "coordinator-crash": { ...often, forMs: [500, 60_000] },
  "coordinator-crash-in-write": { ...often, forMs: [500, 20_000] },
  "coordinator-crash-in-relay": { ...often, forMs: [500, 20_000] },
  "coordinator-power": { ...seldom, forMs: [5_000, 120_000] },
  "coordinator-pause": { ...often, forMs: [100, 60_000] },
  "coordinator-stop": { ...seldom, forMs: [500, 10_000] },
  "coordinator-second": { ...often, forMs: [7_500, 120_000] },
  "wall-clock-jump": { ...seldom, forMs: [500, 5_000] },
  "disk-full": { ...seldom, forMs: [1_000, 60_000] },
  "disk-slow": { ...often, forMs: [1_000, 60_000] },
  "disk-fails": { ...seldom, forMs: [0, 0] },
  "disk-bit-flip": { ...seldom, forMs: [500, 5_000] },
  "worker-disk-full": { ...often, forMs: [5_000, 120_000] },
  "relay-loses-output": { ...often, forMs: [0, 0] },
  "tab-closed": { ...often, forMs: [500, 60_000] },
  "tab-reloaded": { ...often, forMs: [100, 3_000] },
  "tab-power": { ...often, forMs: [5_000, 120_000] },
  "tab-frozen": { ...often, forMs: [1_000, 300_000] },
  "tab-paused": { ...often, forMs: [1_000, 120_000] },
  "tab-cut": { ...often, forMs: [1_000, 60_000] },
  "tab-link-break": { ...often, forMs: [0, 0] },
  "gateway-crashed": { ...often, forMs: [500, 60_000] },
  "gateway-power": { ...often, forMs: [5_000, 120_000] },
  "gateway-paused": { ...often, forMs: [100, 120_000] },
  "gateway-cut": { ...often, forMs: [100, 60_000] },
  "gateway-link-break": { ...often, forMs: [0, 0] },
  "worker-flips-output": { ...often, forMs: [0, 0] },
  "relay-flips-output": { ...often, forMs: [0, 0] },
  "worker-moves": { ...often, forMs: [0, 0] },
} satisfies Record<string, FaultRate>;

export type FaultKind = keyof typeof faultRates;
export type FaultRates = Readonly<Record<FaultKind, FaultRate>>;

export type Fault = {
  /** Its place in the plan, by which `--faults` selects it. */
  readonly number: number;
  readonly atMs: number;
  readonly kind: FaultKind;
  /** The affected member, modulo the number of members. */
  readonly target: number;
  readonly forMs: number;
  /** A random number for whatever else the kind leaves open, 0 to 1. */
  readonly draw: number;
};

/** Ends the effect of a fault. */
export type Undo = () => void;

/** In order of time. */
export function planFaults(random: Random, untilMs: number, rates: FaultRates): Fault[] {
  const planned: Array<Omit<Fault, "number">> = [];
  // A seed gives the same run in every engine: their own logarithms differ in the last digit.
  const log = exactFunctions().log as (value: number) => number;
  for (const [kind, rate] of Object.entries(rates) as Array<[FaultKind, FaultRate]>) {
    if (!random.chance(rate.probability)) continue;
    const [least, most] = rate.forMs;
    const meanMs = 3_600_000 / rate.perHour;
    for (let atMs = 0; ; ) {
      atMs += -log(1 - random.fraction()) * meanMs;
      if (atMs >= untilMs) break;
      // Short ones are more frequent than long ones.
      const forMs = Math.round(least * (most / Math.max(1, least)) ** random.fraction());
      planned.push({ atMs, kind, target: random.below(1_000), forMs, draw: random.fraction() });
    }
  }
  return planned
    .toSorted((a, b) => a.atMs - b.atMs)
    .map((fault, index) => ({ number: index + 1, ...fault }));
}
