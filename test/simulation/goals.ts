/** How much of the simulation is part of `npm test`. */

export const goals = {
  /** What is wanted: so many seeds and so much of the cluster's time … */
  seedsWanted: 500,
  hoursWanted: 300,
  /** … but on a slow or busy machine only what fits into this processor time, never fewer seeds
   *  than `seedsLeast`; a line that is printed says so. */
  cpuMaxS: 60,
  seedsLeast: 100,
  /** How often each kind of fault must really happen. */
  timesLeast: 20,
};
