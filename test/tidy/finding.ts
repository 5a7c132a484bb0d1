/** What a rule of the tidy test finds. There are no exceptions: a rule that is wrong somewhere is
 *  worded better. */

export type Finding = {
  readonly rule: string;
  /** File, or file and name. */
  readonly where: string;
  /** How much: lines, members, or 1. */
  readonly measured: number;
  readonly text: string;
};
