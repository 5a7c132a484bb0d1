/** How many records of a job may be bad. */
import type { CounterMap, Failure } from "./job.ts";

/** Counters that tasks keep beside those of job code: records that were set aside, and, where a
 *  share of them is allowed, the lines (rows of tables, records of one size) that were read. */
export const badCounter = "bad records";
export const linesCounter = "lines read";

/** Null when at most the share `upTo` of the lines was bad. */
export function tooManyBad(counters: CounterMap, upTo: number): Failure | null {
  const { [badCounter]: bad = 0, [linesCounter]: lines = 0 } = counters;
  if (bad === 0 || bad <= upTo * lines) return null;
  const share = `${((100 * bad) / Math.max(1, lines)).toPrecision(3)} %`;
  const text = `${bad} bad records in ${lines} lines (${share}), more than keepUpTo: ${upTo}`;
  return { code: "user-error", message: `${text} allows; "keep" sets any number aside` };
}
