/** The amount of simulation in the tests. */
import { isShort } from "../fixtures/depth.ts";

type Goals = {
  /** The seeds are 1 to this one. */
  readonly seeds: number;
  /** How often each kind of fault must really happen. */
  readonly timesLeast: number;
};

/** With `npm test -- --all`. */
export const wholeGoals: Goals = { seeds: 500, timesLeast: 20 };

export const goals: Goals = isShort ? { seeds: 60, timesLeast: 1 } : wholeGoals;
