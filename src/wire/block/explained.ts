/** What the stages of an operator do, for people: a text for each step, by stage. Pure; runs
 *  anywhere. */
import type { ApplySpec, LastSpec, OperatorSpec } from "./plan.ts";
import {
  type Expression,
  isInline,
  isShuffle,
  type NamedExpression,
  type QuerySpec,
  type QueryStep,
} from "./query.ts";

/** Of the map stage `shuffle` is null, of others it is the step with which they begin. */
export type ExplainedStage = { readonly shuffle: number | null; readonly steps: string[] };

/** `inOne`: one task does all. */
export function queryStages(query: QuerySpec, inOne: boolean): ExplainedStage[] {
  const map = { shuffle: null, steps: [`read ${query.columns.join(", ")}`] };
  const stages: ExplainedStage[] = [map];
  let shuffle = 0;
  for (const step of query.steps) {
    const text = stepText(step);
    if (isShuffle(step)) {
      if (inOne || isInline(query, shuffle)) stages.at(-1)?.steps.push(text);
      else stages.push({ shuffle, steps: [text] });
      shuffle++;
    } else stages.at(-1)?.steps.push(text);
  }
  return stages;
}

/** By stage; each has at least one. */
export function operatorSteps({ apply, last }: OperatorSpec, inOne: boolean): string[][] {
  if (apply.operator === "query") return queryStages(apply, inOne).map(({ steps }) => steps);
  const behind = [applyText(apply), ...(last === null ? [] : [lastText(last)])];
  return inOne ? [["read", ...behind]] : [["read"], behind];
}

function applyText(apply: Exclude<ApplySpec, QuerySpec>): string {
  switch (apply.operator) {
    case "count":
      return apply.by.length === 0 ? "count all" : `count by ${apply.by.join(", ")}`;
    case "sum":
    case "min":
    case "max":
      return `${apply.operator} of ${apply.column} by ${apply.by.join(", ")}`;
    case "sort": {
      const by = apply.by.length === 0 ? "" : ` by ${apply.by.join(", ")}`;
      const limit = apply.limit === null ? "" : `, ${apply.limit} rows`;
      return `sort${by} ${apply.order}${limit}`;
    }
    case "join": {
      const { left, right } = apply.on;
      const on = left === right ? left : `${left} = ${right}`;
      return `${apply.kind} join on ${on}`;
    }
  }
}

function lastText({ count, order }: LastSpec): string {
  return `top ${count}, ${order}`;
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
