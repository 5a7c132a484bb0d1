/** `sum`, `min` and `max` of the numbers in a column. */
import { ClusterError } from "../../core/error.ts";
import { compareNumbers, type ExactNumber } from "../../wire/block/decimal.ts";
import type { Key } from "../../wire/block/key.ts";
import type { ApplySpec, OperatorSpec } from "../../wire/block/plan.ts";
import { columnOf, keyReader } from "./columns.ts";
import { addExact, type Exact, exactOf, resultOf } from "./decimal.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

type Numbers = Extract<ApplySpec, { operator: "sum" | "min" | "max" }>;

const least = (a: ExactNumber, b: ExactNumber) => (compareNumbers(a, b) <= 0 ? a : b);
const greatest = (a: ExactNumber, b: ExactNumber) => (compareNumbers(a, b) >= 0 ? a : b);

export function numbersJob(operator: OperatorSpec, apply: Numbers): OperatorKernel {
  const { by, column } = apply;
  const keyOf = keyReader(by);
  const isSum = apply.operator === "sum";
  const map = (record: string, emit: (key: Key, value: Exact | ExactNumber) => void) => {
    const value = exactOf(columnOf(record, column), column);
    // Nothing is there to be added or compared.
    if (value !== null) emit(keyOf(record), isSum ? value : (resultOf(value) as ExactNumber));
  };
  if (!isSum) {
    const combine = apply.operator === "min" ? least : greatest;
    return { job: jobOf(operator, () => map, { combine }) };
  }
  const reduce = (_key: Key, [value]: Iterable<Exact>) => asResult(value as Exact, column);
  return { job: jobOf(operator, () => map, { combine: addExact, reduce }) };
}

/** Readers of results know no numbers beyond those of doubles. */
export function asResult(sum: Exact, column: string): ExactNumber {
  const result = resultOf(sum);
  if (result !== null) return result;
  const text = `the sum of "${column}" is beyond ${Number.MAX_VALUE}, the greatest number`;
  throw new ClusterError("user-error", `${text} of a result; sum a smaller unit of it`);
}
