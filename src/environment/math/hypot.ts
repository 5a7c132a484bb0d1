/** `Math.hypot` in arithmetic that every engine does alike: engines add the squares up in ways of
 *  their own, Firefox in another than V8. */

/** The square root of the sum of the squares of any number of values, with the bits that V8 gives:
 *  squares of what the greatest leaves of each, added up with a compensation for what rounding
 *  takes (Kahan). Infinity where a value is infinite, else NaN where one is none. Throws what the
 *  conversion of a value to a number throws. */
export function hypot(...values: number[]): number {
  let greatest = 0;
  let hasNaN = false;
  for (const [at, value] of values.entries()) {
    const size = Math.abs(+value);
    values[at] = size;
    if (Number.isNaN(size)) hasNaN = true;
    else if (size > greatest) greatest = size;
  }
  if (greatest === Number.POSITIVE_INFINITY) return greatest;
  if (hasNaN) return Number.NaN;
  if (greatest === 0) return 0;
  let sum = 0;
  let compensation = 0;
  for (const size of values) {
    const part = size / greatest;
    const summand = part * part - compensation;
    const next = sum + summand;
    compensation = next - sum - summand;
    sum = next;
  }
  return Math.sqrt(sum) * greatest;
}

// As the language has it.
Object.defineProperty(hypot, "length", { value: 2, configurable: true });
