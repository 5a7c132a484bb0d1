/** The amount of simulation in `npm test`. */

export const goals = {
  /** The seeds are 1 to this one. */
  seeds: 500,
  /** How often each kind of fault must really happen. */
  timesLeast: 20,
};
