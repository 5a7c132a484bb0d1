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
  /** Basic browsers, which speak only the base browser protocol. */
  readonly bare: number;
  /** Gateways between the browsers and the coordinator. */
  readonly gateways: number;
  /** Interval between the notes of a tab, ms. */
  readonly noteMs: number;
};

export const noBrowsers: BrowserShape = { tabs: [], bare: 0, gateways: 0, noteMs: 0 };

/** What the seed decides for the whole run. */
export type WorldShape = {
  readonly workers: number;
  readonly slots: readonly number[];
  /** The last of the workers, this many, are unreachable: the coordinator relays for them. */
  readonly hidden: number;
  readonly browsers: BrowserShape;
  readonly liveness: LivenessOptions;
  readonly snapshotRecords: number;
  readonly delayMs: number;
  readonly writeMs: number;
  /** Duration of the phase with faults, ms; then all is healed and every job must end. */
  readonly faultsMs: number;
  readonly sweepGraceMs: number;
  /** Share of the attempts that take ten times as long, on any worker. */
  readonly straggling: number;
};

export type World = {
  readonly shape: WorldShape;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly trace: TraceHash;
  readonly judge: Judge;
  /** Random numbers for members and jobs at run time; faults are planned before. */
  readonly random: Random;
  /** Jobs by their plan: many have the same code. */
  readonly jobs: ReadonlyMap<string, SimJob>;
  /** The files of a host, by its name. */
  readonly filesOf: (host: string) => SimFiles;
  /** Probability that a transfer between members arrives with a wrong byte. */
  flipProbability: number;
  readonly count: (what: string) => void;
  /** Adds a line to the trace; made only when the trace is recorded. */
  readonly tell: (line: () => string) => void;
  /** The error of the next execution of a task; null = none. */
  readonly trouble: (job: SimJob, stage: number, task: number) => Trouble | null;
};
