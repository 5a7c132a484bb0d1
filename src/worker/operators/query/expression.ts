/** Expressions as functions of a row. */
import { ClusterError } from "../../../core/error.ts";
import type { Expression } from "../../../wire/block/query.ts";
import { callOf } from "./calls.ts";
import { type Cell, type Row, textOf } from "./values.ts";

export type Evaluate = (row: Row) => Cell;

/** `columns` are those of the rows. */
export function evaluator(expression: Expression, columns: readonly string[]): Evaluate {
  if ("column" in expression) {
    const at = columns.indexOf(expression.column);
    return (row) => row[at];
  }
  if ("value" in expression) {
    const { value } = expression;
    return () => value;
  }
  const { call: name, of } = expression;
  if (name === "like" || name === "matches") return matcher(name, of, columns);
  const call = callOf(name);
  if (call === null) {
    const text = `this worker does not know the function ${JSON.stringify(name)}: update it`;
    throw new ClusterError("version-mismatch", text);
  }
  const parts = of.map((part) => evaluator(part, columns));
  const [first, second] = parts as [Evaluate, Evaluate];
  if (parts.length === 1) return (row) => call(first(row));
  if (parts.length === 2) return (row) => call(first(row), second(row));
  return (row) => call(...parts.map((part) => part(row)));
}

/** The pattern is a constant, and compiled once. */
function matcher(
  name: "like" | "matches",
  [of, pattern, flags]: readonly Expression[],
  columns: readonly string[],
): Evaluate {
  const text = constant(pattern as Expression);
  const expression =
    name === "like" ? likeExpression(text) : new RegExp(text, flags ? constant(flags) : "u");
  const value = evaluator(of as Expression, columns);
  return (row) => {
    const found = textOf(value(row));
    return found === null ? null : expression.test(found);
  };
}

function constant(expression: Expression): string {
  if ("value" in expression && typeof expression.value === "string") return expression.value;
  throw new ClusterError("bad-request", "like and matches take a text as their pattern");
}

/** `%` is any text, `_` any character. */
function likeExpression(pattern: string): RegExp {
  const source = pattern.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`^${source.replaceAll("%", "[^]*").replaceAll("_", "[^]")}$`, "u");
}
