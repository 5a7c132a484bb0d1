/** The stages of a query, for people: what each kind of task does. */
import { queryStages } from "../../wire/block/explained.ts";
import type { QuerySpec } from "../../wire/block/query.ts";

/** Lines without newlines. `tasks`: map tasks, `reducers` as they are planned; `inOne`: one task
 *  does all. */
export function explained(query: QuerySpec, tasks: number, inOne: boolean): string[] {
  return queryStages(query, inOne).flatMap(({ shuffle, steps: [first, ...others] }) => {
    const title =
      shuffle === null
        ? `map, ${counted(tasks, "task")}`
        : `reduce, ${counted(query.reducers[shuffle] ?? 1, "task")}`;
    return [`${title}: ${first}`, ...others.map((step) => `  ${step}`)];
  });
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
