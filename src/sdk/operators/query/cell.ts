/** Expressions as job authors write them: `(row) => row.price.mul(row.count).gt(100)`.
 *
 *  A cell stands for a value of each row. Its methods make further cells and compute nothing: what
 *  they say is sent as data to those who have the rows. */
import { ClusterError } from "../../../core/error.ts";
import { type Expression, type FunctionName, functions } from "../../../wire/block/query.ts";
import type { Json } from "../rows.ts";

/** A cell, or a constant. */
export type Operand = Cell<unknown> | string | number | boolean | null;

/** What an operand is in a row, for the compiler. */
export type OperandValue<O> = O extends Cell<infer V> ? V : Plain<O>;

/** A constant may be another one in the next version of the job. */
type Plain<O> = O extends string ? string : O extends number ? number : Truth<O>;
type Truth<O> = O extends boolean ? boolean : O;

/** A value of each row. A method with an argument that is null in a row gives null there, and
 *  `where` keeps rows for which its test is true, not null. Two values compare as numbers when one
 *  of them is a number, as booleans when one is a boolean, else as texts. What must be a number or
 *  a boolean and is none is a bad record; an empty text as one of these is null. */
export class Cell<V = Json> {
  readonly #expression: Expression;
  /** For the compiler alone. */
  declare readonly types?: V;

  constructor(expression: Expression) {
    this.#expression = expression;
  }

  /** As data. */
  static expressionOf(operand: Operand): Expression {
    if (operand instanceof Cell) return operand.#expression;
    const isNumber = typeof operand === "number" && Number.isFinite(operand);
    if (isNumber || operand === null || ["string", "boolean"].includes(typeof operand)) {
      return { value: operand };
    }
    const text = `${String(operand)} is no value of a query`;
    throw new ClusterError("bad-request", `${text}; use texts, finite numbers, booleans, null`);
  }

  /** Equal. */
  eq(other: Operand): Cell<boolean | null> {
    return call("eq", this, other);
  }
  /** Not equal. */
  ne(other: Operand): Cell<boolean | null> {
    return call("ne", this, other);
  }
  /** Less. */
  lt(other: Operand): Cell<boolean | null> {
    return call("lt", this, other);
  }
  /** Less or equal. */
  le(other: Operand): Cell<boolean | null> {
    return call("le", this, other);
  }
  /** Greater. */
  gt(other: Operand): Cell<boolean | null> {
    return call("gt", this, other);
  }
  /** Greater or equal. */
  ge(other: Operand): Cell<boolean | null> {
    return call("ge", this, other);
  }
  /** At least the first and at most the second. */
  between(least: Operand, most: Operand): Cell<boolean | null> {
    return call("between", this, least, most);
  }
  /** One of these. */
  in(...list: readonly Operand[]): Cell<boolean | null> {
    return call("in", this, ...list);
  }
  /** Both are true. */
  and(other: Operand): Cell<boolean | null> {
    return call("and", this, other);
  }
  /** One of both is true. */
  or(other: Operand): Cell<boolean | null> {
    return call("or", this, other);
  }
  /** True where this is false; null stays null. */
  not(): Cell<boolean | null> {
    return call("not", this);
  }
  /** Whether it is null; itself never null. */
  isNull(): Cell<boolean> {
    return call("isNull", this);
  }
  /** Whether it is not null. */
  isNotNull(): Cell<boolean> {
    return call("not", this.isNull());
  }
  /** Null, or a text without characters, such as an empty cell of CSV. */
  isEmpty(): Cell<boolean> {
    return call("or", this.isNull(), this.eq(""));
  }

  /** As in SQL: `%` stands for any text, `_` for any character. */
  like(pattern: string): Cell<boolean | null> {
    return call("like", this, pattern);
  }
  /** Whether the expression is found in it. */
  matches(expression: RegExp): Cell<boolean | null> {
    const flags = expression.flags.replace(/[gy]/g, "");
    return call("matches", this, expression.source, flags);
  }
  /** Whether its text begins with this one. */
  startsWith(text: Operand): Cell<boolean | null> {
    return call("startsWith", this, text);
  }
  /** Whether its text ends with this one. */
  endsWith(text: Operand): Cell<boolean | null> {
    return call("endsWith", this, text);
  }
  /** Whether its text has this one in it. */
  contains(text: Operand): Cell<boolean | null> {
    return call("contains", this, text);
  }

  /** Exactly, as `sub`, `mul` and `mod`: 0.1 and 0.2 are 0.3. */
  add(other: Operand): Cell<number | null> {
    return call("add", this, other);
  }
  /** The difference, exactly. */
  sub(other: Operand): Cell<number | null> {
    return call("sub", this, other);
  }
  /** The product, exactly. */
  mul(other: Operand): Cell<number | null> {
    return call("mul", this, other);
  }
  /** Exactly when the quotient ends within 40 digits, else the nearest double; null by 0. */
  div(other: Operand): Cell<number | null> {
    return call("div", this, other);
  }
  /** What division by whole numbers leaves, with the sign of the dividend; null by 0. */
  mod(other: Operand): Cell<number | null> {
    return call("mod", this, other);
  }
  /** With the other sign. */
  neg(): Cell<number | null> {
    return call("neg", this);
  }
  /** Without its sign. */
  abs(): Cell<number | null> {
    return call("abs", this);
  }
  /** The next whole number that is not greater. */
  floor(): Cell<number | null> {
    return call("floor", this);
  }
  /** The next whole number that is not less. */
  ceil(): Cell<number | null> {
    return call("ceil", this);
  }
  /** To so many decimals, default 0; halves away from zero. */
  round(decimals = 0): Cell<number | null> {
    return call("round", this, decimals);
  }

  /** In small letters. */
  lower(): Cell<string | null> {
    return call("lower", this);
  }
  /** In capital letters. */
  upper(): Cell<string | null> {
    return call("upper", this);
  }
  /** Without blanks at both ends. */
  trim(): Cell<string | null> {
    return call("trim", this);
  }
  /** Number of characters. */
  length(): Cell<number | null> {
    return call("length", this);
  }
  /** With these behind it; null is an empty text. */
  concat(...others: readonly Operand[]): Cell<string> {
    return call("concat", this, ...others);
  }
  /** From a place that is counted from 1, `count` characters or all. */
  substring(from: number, count?: number): Cell<string | null> {
    return count === undefined
      ? call("substring", this, from)
      : call("substring", this, from, count);
  }
  /** With every `find` in it replaced. */
  replace(find: string, by: string): Cell<string | null> {
    return call("replace", this, find, by);
  }

  /** Of a date, as `month` to `truncate`: texts of ISO 8601. */
  year(): Cell<number | null> {
    return call("year", this);
  }
  /** 1 to 12. */
  month(): Cell<number | null> {
    return call("month", this);
  }
  /** 1 to 31. */
  day(): Cell<number | null> {
    return call("day", this);
  }
  /** 0 to 23; 0 of a date without a time. */
  hour(): Cell<number | null> {
    return call("hour", this);
  }
  /** 0 to 59. */
  minute(): Cell<number | null> {
    return call("minute", this);
  }
  /** 0 to 59, with its decimals. */
  second(): Cell<number | null> {
    return call("second", this);
  }
  /** 1 (Monday) to 7. */
  weekday(): Cell<number | null> {
    return call("weekday", this);
  }
  /** Of a date with a time, the date. */
  date(): Cell<string | null> {
    return call("date", this);
  }
  /** Where the year, quarter, month, day, hour or minute begins. */
  truncate(unit: "year" | "quarter" | "month" | "day" | "hour" | "minute"): Cell<string | null> {
    return call("truncate", this, unit);
  }

  /** The number that a text says. */
  number(): Cell<number | null> {
    return call("number", this);
  }
  /** What a text says: `true` or `false`, in letters of any case. */
  boolean(): Cell<boolean | null> {
    return call("boolean", this);
  }
  /** As a text. */
  text(): Cell<string | null> {
    return call("text", this);
  }
  /** This, or where it is null the next that is not. */
  coalesce<O extends Operand>(...others: readonly O[]): Cell<NonNullable<V> | OperandValue<O>> {
    return call("coalesce", this, ...others);
  }
  /** Null where it equals the other. */
  nullIf(other: Operand): Cell<V | null> {
    return call("nullIf", this, other);
  }
  /** The first where this is true, else the second. */
  choose<Y extends Operand, N extends Operand>(
    yes: Y,
    no: N,
  ): Cell<OperandValue<Y> | OperandValue<N>> {
    return call("if", this, yes, no);
  }
}

const ofNumbers = new Set<FunctionName>(
  "add sub mul div mod neg abs floor ceil round".split(" ") as FunctionName[],
);

/** A call of a function, with the number of its arguments checked. */
export function call<V>(name: FunctionName, ...of: readonly Operand[]): Cell<V> {
  const [least, most] = functions[name];
  if (of.length < least || of.length > most) {
    const text = `${name}: ${of.length} values are given, and it takes ${least} to ${most}`;
    throw new ClusterError("bad-request", text);
  }
  const text = ofNumbers.has(name) ? of.find(isNoNumber) : undefined;
  if (text !== undefined) throw new ClusterError("bad-request", `${name}: "${text}" is no number`);
  return new Cell<V>({ call: name, of: of.map(Cell.expressionOf) });
}

/** Whether it is a constant text that says no number. An empty one as a number is null. */
export function isNoNumber(operand: Operand): operand is string {
  return typeof operand === "string" && Number.isNaN(Number(operand));
}

/** The cells of a row by the names of its columns. */
export type Cells<C extends string, R = { readonly [column in C]: Json }> = {
  readonly [column in C]: Cell<column extends keyof R ? R[column] : unknown>;
};

/** Cells of these columns. A name that is none of them is an error that lists them. */
export function cellsOf<C extends string, R>(columns: readonly C[]): Cells<C, R> {
  const cells = new Map<string | symbol, Cell>(
    columns.map((column) => [column, new Cell({ column })]),
  );
  return new Proxy({} as Cells<C, R>, {
    get(_, name) {
      const cell = cells.get(name);
      if (cell !== undefined || typeof name === "symbol") return cell;
      throw new ClusterError("bad-request", noColumn(name, columns));
    },
  });
}

export function noColumn(name: string, columns: readonly string[]): string {
  return `no column ${JSON.stringify(name)}; there are: ${columns.join(", ")}`;
}

/** The name, for jobs that no compiler has checked. Throws `bad-request` naming the columns. */
export function checkedColumn<C extends string>(name: C, columns: readonly string[]): C {
  if (columns.includes(name)) return name;
  throw new ClusterError("bad-request", noColumn(name, columns));
}
