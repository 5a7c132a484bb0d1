/** Limits of the Try page. */

/** Longest that a trial may run, ms. */
export const trialMs = 15_000;
/** Python, which starts anew for each trial, may take so much longer, ms. */
export const pythonStartMs = 30_000;
/** Rows in the table. */
export const rowsMax = 200;
/** Largest file that can be chosen, bytes; larger ones should not be sent from a tab. */
export const fileMaxBytes = 16 * 1024 ** 3;
