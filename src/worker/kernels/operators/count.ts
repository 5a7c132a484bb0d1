/** `count`: how many records have the same key. */
import type { Key } from "../../../wire/block/key.ts";
import type { ApplySpec, OperatorSpec } from "../../../wire/block/plan.ts";
import { keyReader } from "./columns.ts";
import { jobOf, type OperatorKernel } from "./kernel.ts";

export function countJob(
  operator: OperatorSpec,
  { by }: Extract<ApplySpec, { operator: "count" }>,
): OperatorKernel {
  const keyOf = keyReader(by);
  const map = (record: string, emit: (key: Key, value: number) => void) => emit(keyOf(record), 1);
  return { job: jobOf(operator, () => map, { combine: (a: number, b: number) => a + b }) };
}
