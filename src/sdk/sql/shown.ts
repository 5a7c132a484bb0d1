/** Expressions as they may be written: in names of columns of the result, and in errors. */
import type { Expression } from "./parse.ts";

/** `otherwise`: of what has no short text. */
export function shown(expression: Expression, otherwise: string = expression.type): string {
  const inner = (part: Expression) => shown(part);
  switch (expression.type) {
    case "ref":
      return expression.name;
    case "call": {
      const distinct = expression.distinct === "distinct" ? "distinct " : "";
      return `${expression.function.name}(${distinct}${expression.args.map(inner).join(", ")})`;
    }
    case "integer":
    case "numeric":
    case "boolean":
      return `${expression.value}`;
    case "string":
      return `'${expression.value}'`;
    case "binary":
      return `${shown(expression.left)} ${expression.op.toLowerCase()} ${shown(expression.right)}`;
    case "cast":
      return shown(expression.operand);
    case "extract":
      return expression.field.name;
    default:
      return otherwise;
  }
}
