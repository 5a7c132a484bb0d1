/** Operators as map/reduce jobs whose functions are ours, and the kernels that some bring for a
 *  task: see `sdk/operators/source.ts`, the contract. */
import { ClusterError } from "../../core/error.ts";
import type { ApplySpec, OperatorSpec } from "../../wire/block/plan.ts";
import { countJob } from "./count.ts";
import { joinKernel } from "./join.ts";
import { reduceLast } from "./last.ts";
import { numbersJob } from "./numbers.ts";
import type { OperatorKernel } from "./operator.ts";
import { queryKernel } from "./query/kernel.ts";
import { sortKernel } from "./sort.ts";

/** What an operator does with the pairs of its inputs. */
type Kernels = {
  readonly [O in ApplySpec["operator"]]: (
    operator: OperatorSpec,
    apply: Extract<ApplySpec, { operator: O }>,
  ) => OperatorKernel;
};

const kernels: Kernels = {
  count: countJob,
  sum: numbersJob,
  min: numbersJob,
  max: numbersJob,
  sort: sortKernel,
  join: joinKernel,
  query: queryKernel,
};

export function operatorKernel(operator: OperatorSpec): OperatorKernel {
  const { apply, last } = operator;
  const make = kernels[apply.operator] as
    | ((operator: OperatorSpec, apply: ApplySpec) => OperatorKernel)
    | undefined;
  if (make !== undefined) {
    const kernel = make(operator, apply);
    return last === null ? kernel : { ...kernel, reduce: (task) => reduceLast(task, last) };
  }
  throw new ClusterError(
    "version-mismatch",
    `this worker does not know the operator ${JSON.stringify(apply.operator)}: update it`,
  );
}
