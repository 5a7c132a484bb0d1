/** The amount of simulation in `npm test`. */

export const goals = {
  /** The goal: this many seeds and this much simulated time … */
  seedsWanted: 500,
  hoursWanted: 300,
  /** … but on a slow or busy machine only what fits into this processor time, never fewer seeds
   *  than `seedsLeast`; a printed line reports it. */
  cpuMaxS: 60,
  seedsLeast: 100,
  /** How often each kind of fault must really happen. */
  timesLeast: 20,
};
