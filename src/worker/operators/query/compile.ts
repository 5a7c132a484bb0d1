/** What comes before the first shuffle of a query, as a program of the kernel. What a kernel cannot
 *  do, or not exactly, has none. */
import { decimalParts } from "../../../wire/block/decimal.ts";
import type { FormatSpec } from "../../../wire/block/plan.ts";
import {
  type AggregateSpec,
  columnsAfter,
  type Expression,
  isShuffle,
  type QuerySpec,
  type QueryStep,
} from "../../../wire/block/query.ts";
import {
  aggregateKinds,
  type Group,
  instructions,
  type Program,
} from "../../kernels/groups/program.ts";
import { isOrdered } from "./aggregates.ts";
import { calls } from "./compiled-calls.ts";
import { NotCompiled, Registers, type Value } from "./registers.ts";

/** Null when the rows are read by functions. */
export function programOf(spec: QuerySpec, format: FormatSpec): Program | null {
  try {
    return new Compiler(spec, format.format).program();
  } catch (error) {
    if (error instanceof NotCompiled) return null;
    throw error;
  }
}

type GroupStep = Extract<QueryStep, { step: "group" }>;
type RowStep = Exclude<QueryStep, { step: "group" | "sort" | "first" }>;

class Compiler {
  readonly #registers: Registers;
  readonly #spec: QuerySpec;
  /** Of the rows behind the steps so far. */
  #columns = new Map<string, Expression>();

  constructor(spec: QuerySpec, format: FormatSpec["format"]) {
    this.#spec = spec;
    this.#registers = new Registers(spec.columns, {
      cellsAreTexts: format !== "json",
      emptyIsNull: spec.emptyIsNull && format === "csv",
    });
    for (const column of spec.columns) this.#columns.set(column, { column });
  }

  program(): Program {
    const { steps } = this.#spec;
    const at = steps.findIndex(isShuffle);
    const rowSteps = (at === -1 ? steps : steps.slice(0, at)) as readonly RowStep[];
    const shuffle = steps[at];
    const isGroup = shuffle?.step === "group";
    // Without a group only what drops rows saves anything.
    const last = isGroup ? rowSteps.length : rowSteps.findLastIndex(({ step }) => step === "where");
    if (!isGroup && last === -1) throw new NotCompiled();
    for (const step of isGroup ? rowSteps : rowSteps.slice(0, last + 1)) this.#row(step);
    return this.#registers.program({ group: isGroup ? this.#group(shuffle) : null });
  }

  #row(step: RowStep): void {
    if (step.step === "where") {
      const test = this.#registers.truth(this.#value(step.test));
      this.#registers.effect(instructions.keep, test);
      return;
    }
    const made = step.columns.map(({ name, value }) => {
      return [name, this.#resolved(value)] as const;
    });
    // A cell that is never used is computed all the same: it may be no number, which is an error.
    for (const [, value] of made) this.#compiled(value);
    this.#columns = new Map(made);
    if (columnsAfter(step, []).length !== this.#columns.size) throw new NotCompiled();
  }

  #group({ by, aggregates }: GroupStep): Group {
    return {
      keys: by.map((column) => this.#value({ column }).register),
      aggregates: aggregates.map((one) => this.#aggregate(one)),
      isOrdered: aggregates.some(isOrdered),
    };
  }

  #aggregate({ function: name, column, as }: AggregateSpec): readonly [number, number] {
    if (name === "count" && column === null) return [aggregateKinds.countAll, 0];
    if (column === null) throw new NotCompiled();
    const value = this.#value({ column });
    const registers = this.#registers;
    switch (name) {
      case "count":
        return [aggregateKinds.countValues, value.register];
      case "countDistinct":
        return [aggregateKinds.countDistinct, value.register];
      case "sum":
      case "avg":
      case "quantile":
        return [aggregateKinds[name], registers.number(value).register];
      case "min":
      case "max": {
        if (as === undefined) return [aggregateKinds[name], registers.number(value).register];
        const kind = name === "min" ? aggregateKinds.firstText : aggregateKinds.lastText;
        return [kind, registers.text(value).register];
      }
      default:
        throw new NotCompiled();
    }
  }

  #value(expression: Expression): Value {
    return this.#compiled(this.#resolved(expression));
  }

  /** Of columns of the source alone. */
  #resolved(expression: Expression): Expression {
    if ("value" in expression) return expression;
    if ("column" in expression) {
      const value = this.#columns.get(expression.column);
      if (value === undefined) throw new NotCompiled();
      return value;
    }
    return { call: expression.call, of: expression.of.map((part) => this.#resolved(part)) };
  }

  /** The same expression is computed once: later ones have no more rows. */
  #compiled(expression: Expression): Value {
    return this.#registers.once(JSON.stringify(expression), () => {
      if ("column" in expression) return this.#registers.load(expression.column);
      if ("value" in expression) return this.#constant(expression.value);
      const call = calls[expression.call];
      if (call === undefined) throw new NotCompiled();
      const parts = expression.of.map((part) => () => this.#compiled(part));
      return call(this.#registers, parts, expression.of);
    });
  }

  #constant(value: string | number | boolean | null): Value {
    const registers = this.#registers;
    if (typeof value === "string") return registers.constantText(value);
    if (typeof value !== "number") return registers.constant(value);
    const parts = decimalParts(`${value}`);
    if (parts === null) throw new NotCompiled();
    const decimals = Math.max(0, parts.digits.length - parts.power);
    const digits = `${parts.digits}${"0".repeat(Math.max(0, parts.power - parts.digits.length))}`;
    if (digits.length > 15 || decimals > 15) throw new NotCompiled();
    const whole = Number(digits) * (parts.negative ? -1 : 1);
    return registers.constantNumber(whole, digits === "" ? 0 : decimals);
  }
}
