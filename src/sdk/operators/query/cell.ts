/** Expressions as job authors write them: `(row) => row.price.mul(row.count).gt(100)`.
 *
 *  A cell stands for a value of each row. Its methods make further cells and compute nothing: what
 *  they say is sent as data to those who have the rows. */
import { ClusterError } from "../../../core/error.ts";
import { type Expression, type FunctionName, functions } from "../../../wire/block/query.ts";

/** A cell, or a constant. */
export type Operand = Cell | string | number | boolean | null;

/** A value of each row. A method with an argument that is null in a row gives null there, and
 *  `where` keeps rows for which its test is true, not null. Two values compare as numbers when one
 *  of them is a number, else as texts. What must be a number and is none is a bad record; an empty
 *  text as a number is null. */
export class Cell {
  readonly #expression: Expression;

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
  eq(other: Operand): Cell {
    return call("eq", this, other);
  }
  /** Not equal. */
  ne(other: Operand): Cell {
    return call("ne", this, other);
  }
  /** Less. */
  lt(other: Operand): Cell {
    return call("lt", this, other);
  }
  /** Less or equal. */
  le(other: Operand): Cell {
    return call("le", this, other);
  }
  /** Greater. */
  gt(other: Operand): Cell {
    return call("gt", this, other);
  }
  /** Greater or equal. */
  ge(other: Operand): Cell {
    return call("ge", this, other);
  }
  /** At least the first and at most the second. */
  between(least: Operand, most: Operand): Cell {
    return call("between", this, least, most);
  }
  /** One of these. */
  in(...list: readonly Operand[]): Cell {
    return call("in", this, ...list);
  }
  /** Both are true. */
  and(other: Operand): Cell {
    return call("and", this, other);
  }
  /** One of both is true. */
  or(other: Operand): Cell {
    return call("or", this, other);
  }
  /** True where this is false; null stays null. */
  not(): Cell {
    return call("not", this);
  }
  /** Whether it is null; itself never null. */
  isNull(): Cell {
    return call("isNull", this);
  }
  /** Whether it is not null. */
  isNotNull(): Cell {
    return this.isNull().not();
  }
  /** Null, or a text without characters, such as an empty cell of CSV. */
  isEmpty(): Cell {
    return this.isNull().or(this.eq(""));
  }

  /** As in SQL: `%` stands for any text, `_` for any character. */
  like(pattern: string): Cell {
    return call("like", this, pattern);
  }
  /** Whether the expression is found in it. */
  matches(expression: RegExp): Cell {
    const flags = expression.flags.replace(/[gy]/g, "");
    return call("matches", this, expression.source, flags);
  }
  /** Whether its text begins with this one. */
  startsWith(text: Operand): Cell {
    return call("startsWith", this, text);
  }
  /** Whether its text ends with this one. */
  endsWith(text: Operand): Cell {
    return call("endsWith", this, text);
  }
  /** Whether its text has this one in it. */
  contains(text: Operand): Cell {
    return call("contains", this, text);
  }

  /** Exactly, as `sub`, `mul` and `mod`: 0.1 and 0.2 are 0.3. */
  add(other: Operand): Cell {
    return call("add", this, other);
  }
  /** The difference, exactly. */
  sub(other: Operand): Cell {
    return call("sub", this, other);
  }
  /** The product, exactly. */
  mul(other: Operand): Cell {
    return call("mul", this, other);
  }
  /** Exactly when the quotient ends within 40 digits, else the nearest double; null by 0. */
  div(other: Operand): Cell {
    return call("div", this, other);
  }
  /** What division by whole numbers leaves, with the sign of the dividend; null by 0. */
  mod(other: Operand): Cell {
    return call("mod", this, other);
  }
  /** With the other sign. */
  neg(): Cell {
    return call("neg", this);
  }
  /** Without its sign. */
  abs(): Cell {
    return call("abs", this);
  }
  /** The next whole number that is not greater. */
  floor(): Cell {
    return call("floor", this);
  }
  /** The next whole number that is not less. */
  ceil(): Cell {
    return call("ceil", this);
  }
  /** To so many decimals, default 0; halves away from zero. */
  round(decimals = 0): Cell {
    return call("round", this, decimals);
  }

  /** In small letters. */
  lower(): Cell {
    return call("lower", this);
  }
  /** In capital letters. */
  upper(): Cell {
    return call("upper", this);
  }
  /** Without blanks at both ends. */
  trim(): Cell {
    return call("trim", this);
  }
  /** Number of characters. */
  length(): Cell {
    return call("length", this);
  }
  /** With these behind it; null is an empty text. */
  concat(...others: readonly Operand[]): Cell {
    return call("concat", this, ...others);
  }
  /** From a place that is counted from 1, `count` characters or all. */
  substring(from: number, count?: number): Cell {
    return count === undefined
      ? call("substring", this, from)
      : call("substring", this, from, count);
  }
  /** With every `find` in it replaced. */
  replace(find: string, by: string): Cell {
    return call("replace", this, find, by);
  }

  /** Of a date, as `month` to `truncate`: texts of ISO 8601. */
  year(): Cell {
    return call("year", this);
  }
  /** 1 to 12. */
  month(): Cell {
    return call("month", this);
  }
  /** 1 to 31. */
  day(): Cell {
    return call("day", this);
  }
  /** 0 to 23; 0 of a date without a time. */
  hour(): Cell {
    return call("hour", this);
  }
  /** 0 to 59. */
  minute(): Cell {
    return call("minute", this);
  }
  /** 0 to 59, with its decimals. */
  second(): Cell {
    return call("second", this);
  }
  /** 1 (Monday) to 7. */
  weekday(): Cell {
    return call("weekday", this);
  }
  /** Of a date with a time, the date. */
  date(): Cell {
    return call("date", this);
  }
  /** Where the year, quarter, month, day, hour or minute begins. */
  truncate(unit: "year" | "quarter" | "month" | "day" | "hour" | "minute"): Cell {
    return call("truncate", this, unit);
  }

  /** The number that a text says. */
  number(): Cell {
    return call("number", this);
  }
  /** As a text. */
  text(): Cell {
    return call("text", this);
  }
  /** This, or where it is null the next that is not. */
  coalesce(...others: readonly Operand[]): Cell {
    return call("coalesce", this, ...others);
  }
  /** Null where it equals the other. */
  nullIf(other: Operand): Cell {
    return call("nullIf", this, other);
  }
  /** The first where this is true, else the second. */
  choose(yes: Operand, no: Operand): Cell {
    return call("if", this, yes, no);
  }
}

/** A call of a function, with the number of its arguments checked. */
export function call(name: FunctionName, ...of: readonly Operand[]): Cell {
  const [least, most] = functions[name];
  if (of.length < least || of.length > most) {
    const text = `${name}: ${of.length} values are given, and it takes ${least} to ${most}`;
    throw new ClusterError("bad-request", text);
  }
  return new Cell({ call: name, of: of.map(Cell.expressionOf) });
}

/** The cells of a row by the names of its columns. */
export type Cells<C extends string> = { readonly [column in C]: Cell };

/** Cells of these columns. A name that is none of them is an error that lists them. */
export function cellsOf<C extends string>(columns: readonly C[]): Cells<C> {
  const cells = new Map<string | symbol, Cell>(
    columns.map((column) => [column, new Cell({ column })]),
  );
  return new Proxy({} as Cells<C>, {
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
