/** Aggregates of SQL: each becomes a column of the groups, made of a column that is computed
 *  before. */
import type { AggregateName } from "../../wire/block/query.ts";
import type { Aggregate } from "../operators/query/aggregates.ts";
import { Cell, call, type Operand } from "../operators/query/cell.ts";
import { oneOrZero, type Scope, type Typed, truthOf, typed } from "./expressions.ts";
import type { Expression } from "./parse.ts";
import { refusal, wrong } from "./refusal.ts";

type Call = Extract<Expression, { type: "call" }>;

const names: { readonly [name: string]: AggregateName } = {
  count: "count",
  sum: "sum",
  avg: "avg",
  mean: "avg",
  min: "min",
  max: "max",
  median: "quantile",
  quantile_cont: "quantile",
  percentile_cont: "quantile",
  approx_count_distinct: "approxCountDistinct",
  approx_quantile: "approxQuantile",
};

export const sqlAggregates: readonly string[] = Object.keys(names);

export function isAggregate(expression: Expression): expression is Call {
  return expression.type === "call" && Object.hasOwn(names, nameOf(expression));
}

function nameOf({ function: { name } }: Call): string {
  return name.toLowerCase();
}

/** Collects what is computed before the groups, and the aggregates of it. */
export class Aggregates {
  /** By the name of the column. */
  readonly computed = new Map<string, Operand>();
  readonly named = new Map<string, Aggregate<string>>();
  readonly #known = new Map<string, Typed>();
  readonly #rows: Scope;

  /** `rows`: what names are in the arguments. */
  constructor(rows: Scope) {
    this.#rows = rows;
  }

  /** The column that has the aggregate; equal ones are the same. */
  take(expression: Call): Typed {
    const text = JSON.stringify(expression);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const { aggregate, type } = this.#aggregate(expression);
    const name = `aggregate ${this.named.size}`;
    this.named.set(name, aggregate);
    const cell = new Cell({ column: name });
    const made: Typed = { of: type === "boolean" ? cell.boolean() : cell, type };
    this.#known.set(text, made);
    return made;
  }

  #aggregate(expression: Call): { aggregate: Aggregate<string>; type: Typed["type"] } {
    const { args, distinct, filter, over, withinGroup } = expression;
    const name = nameOf(expression);
    if (over !== undefined) throw refusal("a window");
    const kind = names[name] as AggregateName;
    const isDistinct = distinct === "distinct";
    if (isDistinct && kind !== "count") throw refusal(`${name}(DISTINCT …)`, "COUNT has it");
    const test = filter ? truthOf(filter, typed(filter, this.#rows), "FILTER") : null;
    const [first] = args;
    const isAll = first === undefined || (first.type === "ref" && first.name === "*");
    if (kind === "count" && isAll) {
      if (test === null) return { aggregate: { function: "count", column: null }, type: "number" };
      return this.#of("count", call("if", test, 1, null), null);
    }
    const isWithin = name === "percentile_cont";
    if (isWithin && withinGroup === undefined) throw wrong("percentile_cont needs WITHIN GROUP");
    const value = isWithin ? withinGroup?.by : first;
    if (value === undefined) throw wrong(`${name} needs a column`);
    const { of, type } = this.#counted(kind, value, name);
    const filtered = test === null ? of : call("if", test, of, null);
    const own = value.type === "ref" && test === null ? value.name : null;
    if (kind === "quantile" || kind === "approxQuantile") {
      const share = name === "median" ? 0.5 : shareOf(isWithin ? first : args[1], name);
      return this.#of(kind, filtered, own, { at: share });
    }
    if (isDistinct) return this.#of("countDistinct", filtered, own);
    // As texts, too, false is before true.
    const isText = (kind === "min" || kind === "max") && (type === "text" || type === "boolean");
    const made = this.#of(kind, filtered, own, isText ? { as: "text" } : {});
    return isText ? { ...made, type } : made;
  }

  /** What an aggregate is of: a sum of what is true or false counts what is true. */
  #counted(kind: AggregateName, value: Expression, name: string): Typed {
    const found = typed(value, this.#rows);
    if (found.type !== "boolean") return found;
    if (kind === "sum") return { of: oneOrZero(found.of), type: "number" };
    if (kind !== "avg" && kind !== "quantile" && kind !== "approxQuantile") return found;
    throw wrong(`${name} of what is true or false; write ${name}(cast(… as double))`);
  }

  /** `own`: of a column that is taken as it is. It keeps its name, which errors tell. */
  #of(
    kind: AggregateName,
    of: Operand,
    own: string | null,
    more: Pick<Aggregate<string>, "as" | "at"> = {},
  ): { aggregate: Aggregate<string>; type: "number" } {
    const isFree = own !== null && !/^(key|value) \d+$/.test(own) && this.#isOf(own, of);
    const column = isFree ? own : `value ${this.computed.size}`;
    this.computed.set(column, of);
    return { aggregate: { function: kind, column, ...more }, type: "number" };
  }

  /** Whether no other value is computed under the name: `a.id` and `b.id` are both `id`. */
  #isOf(column: string, of: Operand): boolean {
    const known = this.computed.get(column);
    const textOf = (operand: Operand) => JSON.stringify(Cell.expressionOf(operand));
    return known === undefined || textOf(known) === textOf(of);
  }
}

function shareOf(expression: Expression | undefined, name: string): number {
  const isNumber = expression?.type === "numeric" || expression?.type === "integer";
  if (isNumber && expression.value >= 0 && expression.value <= 1) return expression.value;
  throw wrong(`${name} needs a number from 0 to 1`);
}
