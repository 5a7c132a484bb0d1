/** The kernels of operators that leave a number for each key. */
import type { OperatorKernel } from "../operator.ts";
import { type GroupBy, wantedOf } from "./group-by.ts";
import { mapGroups } from "./map-groups.ts";
import { reduceGroups } from "./reduce-groups.ts";

export function groupKernel(groups: GroupBy): Omit<OperatorKernel, "job"> {
  return {
    map: (task) => mapGroups(task, wantedOf(groups)),
    reduce: (task) => reduceGroups(task, groups, null),
    reduceLast: (task, last) => reduceGroups(task, groups, last),
  };
}
