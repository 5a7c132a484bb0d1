/** `sum`, `min` and `max` of the numbers in a column. */
import { ClusterError } from "../../core/error.ts";
import type { Key } from "../../wire/block/key.ts";
import type { ApplySpec, OperatorSpec } from "../../wire/block/plan.ts";
import { columnOf, keyReader } from "./columns.ts";
import { addExact, type Exact, exactOf } from "./decimal.ts";
import { groupKernel } from "./groups/group-kernel.ts";
import { jobOf, type OperatorKernel } from "./operator.ts";

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
  const reduce = (_key: Key, [value]: Iterable<Exact>) => asResult(Number(value), column);
  return {
    job: jobOf(operator, () => map, isSum ? { combine, reduce } : { combine }),
    ...groupKernel({ op: apply.operator, by, column }),
  };
}

/** A sum is exact however large it is; the number that is written for it is a double. */
function asResult(sum: number, column: string): number {
  if (Number.isFinite(sum)) return sum;
  const text = `the sum of "${column}" is beyond ${Number.MAX_VALUE}, the greatest number`;
  throw new ClusterError("user-error", `${text} of a result; sum a smaller unit of it`);
}
