/** What all members of one simulated world share. */

import type { LivenessOptions } from "../../coordinator/liveness.ts";
import type { Random } from "../../core/random.ts";
import type { SimJob, Trouble } from "../jobs.ts";
import type { Judge } from "../judges/judge.ts";
import type { SimClock } from "./clock.ts";
import type { TraceHash } from "./digest.ts";
import type { SimNetwork } from "./network.ts";

/** What the seed decides for the whole run. */
export type WorldShape = {
  readonly workers: number;
  readonly slots: readonly number[];
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
  /** Jobs by their code. */
  readonly jobs: ReadonlyMap<string, SimJob>;
  /** Probability that a transfer between members arrives with a wrong byte. */
  flipProbability: number;
  readonly count: (what: string) => void;
  /** A line of the story; made only when somebody reads it. */
  readonly tell: (line: () => string) => void;
  /** What the next execution of a task does wrong; null = nothing. */
  readonly trouble: (job: SimJob, stage: number, task: number) => Trouble | null;
};
