/** `sum`, `min` and `max` of the numbers in a column. */
import type { Key } from "../../../wire/block/key.ts";
import type { ApplySpec, OperatorSpec } from "../../../wire/block/plan.ts";
import { columnOf, keyReader } from "./columns.ts";
import { addExact, type Exact, exactOf } from "./decimal.ts";
import { jobOf, type OperatorKernel } from "./kernel.ts";

type Numbers = Extract<ApplySpec, { operator: "sum" | "min" | "max" }>;

const combines = {
  sum: addExact,
  min: (a: Exact, b: Exact) => Math.min(a as number, b as number),
  max: (a: Exact, b: Exact) => Math.max(a as number, b as number),
};

export function numbersJob(operator: OperatorSpec, apply: Numbers): OperatorKernel {
  const { by, column } = apply;
  const keyOf = keyReader(by);
  const isSum = apply.operator === "sum";
  const map = (record: string, emit: (key: Key, value: Exact) => void) => {
    const value = exactOf(columnOf(record, column), column);
    // Nothing is there to be added or compared.
    if (value !== null) emit(keyOf(record), isSum ? value : Number(value));
  };
  const combine = combines[apply.operator];
  const reduce = (_key: Key, [value]: Iterable<Exact>) => Number(value);
  return { job: jobOf(operator, () => map, isSum ? { combine, reduce } : { combine }) };
}
