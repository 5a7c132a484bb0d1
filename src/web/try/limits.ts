/** Limits of the Try page. */

/** Longest that a trial may run, ms. */
export const trialMs = 15_000;
/** Rows in the table, and bars in the chart. */
export const rowsMax = 200;
export const barsMax = 25;
/** Largest file that can be chosen, bytes; larger ones should not be sent from a tab. */
export const fileMaxBytes = 16 * 1024 ** 3;
