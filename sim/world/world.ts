/** What all members of one simulated world share. */

import type { LivenessOptions } from "../../src/coordinator/edges/worker/liveness.ts";
import type { Random } from "../../src/core/random.ts";
import type { SimJob, Trouble } from "../jobs.ts";
import type { Judge } from "../judges/judge.ts";
import type { SimClock } from "./clock.ts";
import type { TraceHash } from "./digest.ts";
import type { SimFiles } from "./files.ts";
import type { SimNetwork } from "./network.ts";

export type BrowserShape = {
  /** Slots of each tab. */
  readonly tabs: readonly number[];
  /** Browsers that know the document of seed 5 only. */
  readonly bare: number;
  /** Between the browsers and the coordinator. */
  readonly gateways: number;
  /** Between two notes of a tab, ms. */
  readonly noteMs: number;
};

export const noBrowsers: BrowserShape = { tabs: [], bare: 0, gateways: 0, noteMs: 0 };

/** What the seed decides for the whole run. */
export type WorldShape = {
  readonly workers: number;
  readonly slots: readonly number[];
  /** So many of the workers, the last ones, cannot be reached: the coordinator relays for them. */
  readonly hidden: number;
  readonly browsers: BrowserShape;
  readonly liveness: LivenessOptions;
  readonly snapshotRecords: number;
  readonly delayMs: number;
  readonly writeMs: number;
  /** How long faults come, ms; then all is healed and every job must end. */
  readonly faultsMs: number;
  readonly sweepGraceMs: number;
  /** Share of the attempts that take ten times as long, wherever they run. */
  readonly straggling: number;
};

export type World = {
  readonly shape: WorldShape;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly trace: TraceHash;
  readonly judge: Judge;
  /** Chance of members and jobs at run time; faults are planned before. */
  readonly random: Random;
  /** Jobs by their plan: many have the same code. */
  readonly jobs: ReadonlyMap<string, SimJob>;
  /** The files of a host, by its name. */
  readonly filesOf: (host: string) => SimFiles;
  /** Probability that a transfer between members arrives with a wrong byte. */
  flipProbability: number;
  readonly count: (what: string) => void;
  /** A line of the story; made only when somebody reads it. */
  readonly tell: (line: () => string) => void;
  /** What the next execution of a task does wrong; null = nothing. */
  readonly trouble: (job: SimJob, stage: number, task: number) => Trouble | null;
};
