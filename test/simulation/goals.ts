/** The amount of simulation in the tests. */
import { depth } from "../fixtures/depth.ts";

export const goals = {
  /** The seeds are 1 to this one. */
  seeds: depth(500, 60),
  /** How often each kind of fault must really happen. */
  timesLeast: depth(20, 1),
};
