/** The amount of simulation in `npm test`. */

export const goals = {
  /** The seeds are 1 to this one … */
  seedsMost: 500,
  /** … of which each run takes so many one after the other, beginning at another each time; as many
   *  as show each fault and law often enough. */
  seedsEach: 200,
  /** … and these always: one in a hundred shows a relay whose disk is full. */
  always: [181],
  /** How often each kind of fault must really happen. */
  timesLeast: 20,
};
