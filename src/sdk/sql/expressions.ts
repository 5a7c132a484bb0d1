/** Expressions of SQL as those of queries. */
import type { FunctionName } from "../../wire/block/query.ts";
import { type Cell, call, isNoNumber, type Operand } from "../operators/query/cell.ts";
import { inSteps, insteadOf } from "./instead.ts";
import type { Expression } from "./parse.ts";
import { refusal, wrong } from "./refusal.ts";
import { shown } from "./shown.ts";
import type { ColumnType } from "./sources.ts";

export type Typed = { readonly of: Operand; readonly type: ColumnType };

/** What names and aggregates stand for in a clause. */
export type Scope = {
  readonly column: (name: string, table: string | null) => Typed;
  /** Null: not an aggregate, or none is allowed here. */
  readonly aggregate: (expression: Expression) => Typed | null;
};

const binary: { readonly [operator: string]: FunctionName } = {
  "=": "eq",
  "!=": "ne",
  "<>": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  AND: "and",
  OR: "or",
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  LIKE: "like",
  ILIKE: "like",
  "||": "concat",
};

/** By their names in SQL: the function, and what its value is. */
const calls: { readonly [name: string]: readonly [FunctionName, ColumnType | "first"] } = {
  abs: ["abs", "number"],
  ceil: ["ceil", "number"],
  ceiling: ["ceil", "number"],
  coalesce: ["coalesce", "first"],
  concat: ["concat", "text"],
  contains: ["contains", "boolean"],
  day: ["day", "number"],
  ends_with: ["endsWith", "boolean"],
  floor: ["floor", "number"],
  hour: ["hour", "number"],
  isodow: ["weekday", "number"],
  length: ["length", "number"],
  lower: ["lower", "text"],
  minute: ["minute", "number"],
  mod: ["mod", "number"],
  month: ["month", "number"],
  nullif: ["nullIf", "first"],
  regexp_matches: ["matches", "boolean"],
  replace: ["replace", "text"],
  round: ["round", "number"],
  second: ["second", "number"],
  starts_with: ["startsWith", "boolean"],
  substr: ["substring", "text"],
  substring: ["substring", "text"],
  suffix: ["endsWith", "boolean"],
  prefix: ["startsWith", "boolean"],
  trim: ["trim", "text"],
  upper: ["upper", "text"],
  year: ["year", "number"],
};

const numberTypes = ["double precision", "double", "decimal", "numeric", "real", "float", "float8"];
const booleanTypes = ["boolean", "bool"];
const textTypes = ["text", "varchar", "char", "character varying", "string"];

/** For the reference: what the words are in SQL. */
export const sqlOperators: readonly string[] = [...Object.keys(binary), "NOT", "IN", "BETWEEN"];
export const sqlFunctions: readonly string[] = [
  ...Object.keys(calls),
  "date_part",
  "date_trunc",
  "extract",
].sort();
export const sqlTypes: readonly string[] = [
  ...numberTypes,
  ...booleanTypes,
  ...textTypes,
  "date",
  "timestamp",
];

export function typed(expression: Expression, scope: Scope): Typed {
  const inner = (part: Expression) => typed(part, scope);
  const found = scope.aggregate(expression);
  if (found !== null) return found;
  switch (expression.type) {
    case "ref": {
      const { schema, name = "" } = (expression.table ?? {}) as { schema?: string; name?: string };
      const table = schema === undefined ? name : `${schema}.${name}`;
      return scope.column(expression.name, table === "" ? null : table);
    }
    case "integer":
      if (Number.isSafeInteger(expression.value)) return { of: expression.value, type: "number" };
      throw refusal("a whole number beyond 2^53", "write it as a text: '9007199254740993'");
    case "numeric":
      return { of: expression.value, type: "number" };
    case "string":
      return { of: expression.value, type: "text" };
    case "boolean":
      return { of: expression.value, type: "boolean" };
    case "null":
      return { of: null, type: "any" };
    case "constant":
      throw refusal("this constant");
    case "unary":
      return unaryOf(expression, inner);
    case "binary":
      return binaryOf(expression, inner);
    case "ternary": {
      const all = [expression.value, expression.lo, expression.hi];
      const between = call("between", ...besides(all, inner, expression.op));
      return { of: expression.op === "BETWEEN" ? between : between.not(), type: "boolean" };
    }
    case "case":
      return caseOf(expression, inner);
    case "cast":
      return castOf(inner(expression.operand), expression.to, expression.operand);
    case "substring": {
      const parts = [expression.value, expression.from, expression.for].flatMap((part) =>
        part ? [inner(part).of] : [],
      );
      return { of: call("substring", ...parts), type: "text" };
    }
    case "extract":
      return callOf(expression.field.name, [inner(expression.from)]);
    case "call":
      return callExpression(expression, inner);
    case "select":
    case "union":
    case "with":
      throw refusal("a query within a query", inSteps);
    case "keyword":
      throw refusal(expression.keyword, insteadOf.now);
    default:
      throw refusal(`an expression of the kind ${expression.type}`);
  }
}

type Inner = (part: Expression) => Typed;
type Of<K extends Expression["type"]> = Extract<Expression, { type: K }>;

function unaryOf({ op: operator, operand }: Of<"unary">, inner: Inner): Typed {
  const { of, type } = inner(operand);
  const boolean = (cell: Cell<unknown>): Typed => ({ of: cell, type: "boolean" });
  const truth = () => truthOf(operand, { of, type }, operator);
  const isTrue = () => call("coalesce", call("boolean", truth()), false);
  const isFalse = () => call("coalesce", call("not", truth()), false);
  switch (operator) {
    case "NOT":
      return boolean(call("not", truth()));
    case "IS NULL":
      return boolean(call("isNull", of));
    case "IS NOT NULL":
      return boolean(call("isNull", of).not());
    case "IS TRUE":
      return boolean(isTrue());
    case "IS NOT TRUE":
      return boolean(isTrue().not());
    case "IS FALSE":
      return boolean(isFalse());
    case "IS NOT FALSE":
      return boolean(isFalse().not());
    case "+":
      return { of, type };
    case "-":
      return { of: typeof of === "number" ? -of : call("neg", of), type: "number" };
    default:
      throw refusal(`the operator ${operator}`);
  }
}

function binaryOf({ left, right, op }: Of<"binary">, inner: Inner): Typed {
  if (op === "IN" || op === "NOT IN") {
    if (right.type === "select") throw refusal("IN with a query", inSteps);
    const all = [left, ...(right.type === "list" ? right.expressions : [right])];
    const [of, ...list] = besides(all, inner, op);
    const isIn = call("in", of!, ...list);
    return { of: op === "IN" ? isIn : isIn.not(), type: "boolean" };
  }
  refuseMisread(left, right, op);
  const [a, b] = [inner(left), inner(right)];
  if (/LIKE$/.test(op)) return likeOf(a.of, b.of, op);
  const name = binary[op];
  if (name === undefined) throw refusal(`the operator ${op}`);
  if (name === "concat") {
    // Unlike the function, the operator gives null where one is null.
    const isNull = call("or", call("isNull", a.of), call("isNull", b.of));
    return { of: isNull.choose(null, call("concat", a.of, b.of)), type: "text" };
  }
  if (name === "and" || name === "or") {
    const both = call(name, truthOf(left, a, op), truthOf(right, b, op));
    return { of: both, type: "boolean" };
  }
  const isNumber = ["add", "sub", "mul", "div", "mod"].includes(name);
  refuseUnlike([[left, a] as const, [right, b] as const], op);
  return { of: call(name, a.of, b.of), type: isNumber ? "number" : "boolean" };
}

function likeOf(of: Operand, pattern: Operand, op: string): Typed {
  if (typeof pattern !== "string") throw refusal(`${op} with a computed pattern`);
  const isAnyCase = op.endsWith("ILIKE");
  const like = isAnyCase
    ? call("like", call("lower", of), pattern.toLowerCase())
    : call("like", of, pattern);
  return { of: op.startsWith("NOT") ? like.not() : like, type: "boolean" };
}

/** What is compared or computed together, and what the query says there. */
type Beside = readonly [from: Expression, is: Typed];

/** Numbers beside what is none, a text or true and false, and these beside a text that is neither:
 *  each record would be a bad one. */
function refuseUnlike(all: readonly Beside[], op: string): void {
  const number = all.find(([, { type }]) => type === "number");
  const noNumber = all.find(([, { of, type }]) => isNoNumber(of) || type === "boolean");
  if (number !== undefined && noNumber !== undefined) {
    throw wrong(`${named(noNumber)} beside ${op} is no number, and ${named(number)} is one`);
  }
  const truth = all.find(([, { type }]) => type === "boolean");
  const noTruth = all.find(([, { of }]) => isNoTruth(of));
  if (truth === undefined || noTruth === undefined) return;
  const is = `${named(truth)} is true or false`;
  throw wrong(`${named(noTruth)} beside ${op} is neither true nor false, and ${is}`);
}

function named([from]: Beside): string {
  return shown(from, "what is computed");
}

/** Whether it is a constant text that says neither. An empty one is null. */
function isNoTruth(of: Operand): boolean {
  return typeof of === "string" && !/^(true|false|)$/i.test(of);
}

/** What stands where `place` needs what is true or false. */
export function truthOf(from: Expression, is: Typed, place: string): Operand {
  const { of, type } = is;
  if (type !== "number" && !isNoTruth(of)) return of;
  const what = named([from, is]);
  const problem = type === "number" ? "is a number" : "is neither true nor false";
  const instead = type === "number" ? `; write (${what}) <> 0` : "";
  throw wrong(`${what} ${problem}, and ${place} needs what is true or false${instead}`);
}

/** As values that are compared with each other. */
function besides(all: readonly Expression[], inner: Inner, op: string): Operand[] {
  const typed = all.map((one): Beside => [one, inner(one)]);
  refuseUnlike(typed, op);
  return typed.map(([, { of }]) => of);
}

/** What the parser groups otherwise than SQL does: its trees do not tell whether the query had
 *  parentheses there. */
function refuseMisread(left: Expression, right: Expression, op: string): void {
  if (right.type === "unary" && /^IS /.test(right.op) && /^(=|!=|<>)$/.test(op)) {
    const instead = `(a ${op} b) ${right.op} or (b ${right.op}) ${op} a`;
    throw refusal(`${right.op} to the right of ${op}`, `write ${instead}`);
  }
  if (left.type === "binary" && left.op === "||" && (op === "+" || op === "-")) {
    throw refusal(`${op} to the right of ||`, `put it in parentheses: a || (b ${op} c)`);
  }
}

function caseOf({ value, whens, else: otherwise }: Of<"case">, inner: Inner): Typed {
  const last: Typed = otherwise ? inner(otherwise) : { of: null, type: "any" };
  const branches = whens.map(({ when, value: chosen }) => {
    const test = value
      ? call("eq", ...besides([value, when], inner, "CASE"))
      : truthOf(when, inner(when), "WHEN");
    return { test, chosen: inner(chosen) };
  });
  const of = branches.reduceRight<Operand>(
    (rest, { test, chosen }) => call("if", test, chosen.of, rest),
    last.of,
  );
  const types = [...branches.map(({ chosen }) => chosen), last].filter((one) => one.of !== null);
  return { of, type: commonType(types) };
}

function commonType(values: readonly Typed[]): ColumnType {
  const types = new Set(values.map(({ type }) => type));
  return types.size === 1 ? (values[0] as Typed).type : "any";
}

function castOf({ of, type }: Typed, to: Of<"cast">["to"], operand: Expression): Typed {
  const name = "name" in to ? to.name.toLowerCase() : "an array";
  if (numberTypes.includes(name)) {
    return { of: type === "boolean" ? oneOrZero(of) : call("number", of), type: "number" };
  }
  if (booleanTypes.includes(name)) {
    return { of: type === "number" ? call("ne", of, 0) : call("boolean", of), type: "boolean" };
  }
  if (textTypes.includes(name)) return { of: call("text", of), type: "text" };
  if (name === "date") {
    return operand.type === "string"
      ? { of, type: "text" }
      : { of: call("date", of), type: "text" };
  }
  if (name === "timestamp" && type === "text") return { of, type: "text" };
  const known = "double, decimal, boolean, text, date";
  throw refusal(
    `a cast to ${name}`,
    `there are ${known}; round(x) and floor(x) make whole numbers`,
  );
}

/** What is true or false as a number. */
export function oneOrZero(of: Operand): Cell {
  return call("if", of, 1, call("not", of).choose(0, null));
}

function callExpression(expression: Of<"call">, inner: Inner): Typed {
  const name = expression.function.name.toLowerCase();
  if (expression.over !== undefined) {
    throw refusal("a window", "the first of each group: by(…).topK(…) in a job file");
  }
  if (name === "date_trunc" || name === "date_part") {
    const [unit, ...others] = expression.args;
    const isText = unit?.type === "string";
    if (!isText || others.length !== 1) throw wrong(`${name} takes a unit and a date`);
    const date = inner(others[0] as Expression);
    if (name === "date_part") return callOf(unit.value, [date]);
    return { of: call("truncate", date.of, unit.value.toLowerCase()), type: "text" };
  }
  // Before its arguments, which may well be wrong where it is not known.
  known(name);
  return callOf(name, expression.args.map(inner));
}

function known(given: string): readonly [FunctionName, ColumnType | "first"] {
  const name = given.toLowerCase();
  const found = Object.hasOwn(calls, name) ? calls[name] : undefined;
  if (found !== undefined) return found;
  const all = Object.keys(calls).sort().join(", ");
  const instead = Object.hasOwn(insteadOf, name) ? `${insteadOf[name]}; ` : "";
  throw refusal(
    `the function ${given}`,
    `${instead}there are ${all}, date_trunc, date_part, extract, and the aggregates count, sum, ` +
      "avg, min, max, median, quantile_cont, approx_count_distinct, approx_quantile",
  );
}

function callOf(given: string, of: readonly Typed[]): Typed {
  const [name, type] = known(given);
  const cell = call(name, ...of.map((one) => one.of));
  return {
    of: cell,
    type: type === "first" ? commonType(of.filter((one) => one.of !== null)) : type,
  };
}
