/** The stages of a query, for people: what each kind of task does. */
import {
  type Expression,
  isInline,
  isShuffle,
  type NamedExpression,
  type QuerySpec,
  type QueryStep,
} from "../../wire/block/query.ts";

/** Lines without newlines. `tasks`: map tasks, `reducers` as they are planned; `inOne`: one task
 *  does all. */
export function explained(query: QuerySpec, tasks: number, inOne: boolean): string[] {
  const columns = query.columns.join(", ");
  const lines = [`map, ${counted(tasks, "task")}: read ${columns}`];
  let shuffle = 0;
  for (const step of query.steps) {
    if (!isShuffle(step)) {
      lines.push(`  ${stepText(step)}`);
      continue;
    }
    const count = query.reducers[shuffle] ?? 1;
    const isOwn = inOne || isInline(query, shuffle);
    lines.push(
      isOwn ? `  ${stepText(step)}` : `reduce, ${counted(count, "task")}: ${stepText(step)}`,
    );
    shuffle++;
  }
  return lines;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function stepText(step: QueryStep): string {
  switch (step.step) {
    case "where":
      return `where ${text(step.test)}`;
    case "select":
      return `select ${selectText(step.columns)}`;
    case "group": {
      const all = step.aggregates.map(
        (one) => `${one.name} = ${one.function}(${one.column ?? ""})`,
      );
      const by = step.by.length === 0 ? "all rows" : `by ${step.by.join(", ")}`;
      return `group ${by}${all.length === 0 ? "" : `: ${all.join(", ")}`}`;
    }
    case "sort": {
      const limit = step.limit === null ? "" : `, ${step.limit} rows behind ${step.offset}`;
      return `sort by ${orderText(step.by)}${limit}`;
    }
    case "first":
      return `first ${step.limit} by ${step.by.join(", ")} in order of ${orderText(step.sort)}`;
  }
}

function selectText(columns: readonly NamedExpression[]): string {
  return columns.map(({ name, value }) => `${name} = ${text(value)}`).join(", ");
}

function orderText(by: ReadonlyArray<{ readonly by: string; readonly order: string }>): string {
  return by.length === 0 ? "the input" : by.map((one) => `${one.by} ${one.order}`).join(", ");
}

function text(expression: Expression): string {
  if ("column" in expression) return expression.column;
  if ("value" in expression) return JSON.stringify(expression.value);
  return `${expression.call}(${expression.of.map(text).join(", ")})`;
}
