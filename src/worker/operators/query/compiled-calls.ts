/** The functions of queries that a kernel has, as instructions: each does what `calls.ts` says, or
 *  leaves the row to it. */
import type { Expression, FunctionName } from "../../../wire/block/query.ts";
import { instructions } from "../../kernels/groups/program.ts";
import { dateUnits } from "./dates.ts";
import { NotCompiled, type Registers, type Value } from "./registers.ts";

type Part = () => Value;
type Call = (registers: Registers, parts: readonly Part[], of: readonly Expression[]) => Value;

const { compare, and, or, not, round, part, date } = instructions;
const [less, equal, greater] = [1, 2, 4];

export const calls: { readonly [name in FunctionName]?: Call } = {
  eq: comparison(equal),
  ne: comparison(less | greater),
  lt: comparison(less),
  le: comparison(less | equal),
  gt: comparison(greater),
  ge: comparison(greater | equal),
  between(registers, parts) {
    const [of, low, high] = all(parts, 3);
    const [above, below] = [
      compared(registers, of, low, greater | equal),
      compared(registers, of, high, less | equal),
    ];
    return registers.emit("truth", and, above.register, below.register);
  },
  in(registers, [first, ...list]) {
    const of = (first as Part)();
    const tests = list.map((item) => compared(registers, of, item(), equal));
    return chained(registers, or, tests);
  },
  and: (registers, parts) => chained(registers, and, all(parts)),
  or: (registers, parts) => chained(registers, or, all(parts)),
  not(registers, parts) {
    const [value] = all(parts, 1);
    return registers.emit("truth", not, registers.truth(value).register);
  },
  isNull(registers, parts) {
    const [value] = all(parts, 1);
    return registers.emit("truth", instructions.isNull, value.register);
  },
  startsWith: inText(0),
  endsWith: inText(1),
  contains: inText(2),
  like(registers, parts, [, pattern]) {
    const text = constantOf(pattern);
    if (typeof text !== "string") throw new NotCompiled();
    const { register } = registers.text((parts[0] as Part)());
    return registers.emit("truth", instructions.like, register, ...registers.addText(text));
  },
  add: arithmetic(instructions.add),
  sub: arithmetic(instructions.sub),
  mul: arithmetic(instructions.mul),
  mod: arithmetic(instructions.mod),
  neg: arithmetic(instructions.neg),
  abs: arithmetic(instructions.abs),
  floor: (registers, parts) => rounded(registers, parts, 0, 1),
  ceil: (registers, parts) => rounded(registers, parts, 0, 2),
  round(registers, parts, [, decimals]) {
    const places = decimals === undefined ? 0 : constantOf(decimals);
    const isPlace = typeof places === "number" && Number.isInteger(places);
    if (!isPlace || places < 0 || places > 15) throw new NotCompiled();
    return rounded(registers, parts.slice(0, 1), places, 0);
  },
  lower: (registers, parts) => ofText(registers, instructions.case, parts, 0),
  upper: (registers, parts) => ofText(registers, instructions.case, parts, 1),
  trim: (registers, parts) => ofText(registers, instructions.trim, parts),
  length(registers, parts) {
    const { register } = registers.text((parts[0] as Part)());
    return registers.emit("number", instructions.length, register);
  },
  substring(registers, parts, [, from, count]) {
    const [start, size] = [constantOf(from), count === undefined ? 2 ** 31 : constantOf(count)];
    if (!Number.isInteger(start) || !Number.isInteger(size)) throw new NotCompiled();
    const first = (start as number) - 1;
    const limit = (place: number) => Math.min(2 ** 31, Math.max(0, place));
    const range = [limit(first), limit(first + (size as number))];
    return ofText(registers, instructions.substring, parts.slice(0, 1), ...range);
  },
  concat(registers, parts) {
    const texts = all(parts).map((value) => registers.text(value));
    const first = registers.constantText("");
    return texts.reduce(
      (a, b) => registers.emit("text", instructions.concat, a.register, b.register),
      first,
    );
  },
  year: dateField(0),
  month: dateField(1),
  day: dateField(2),
  hour: dateField(3),
  minute: dateField(4),
  second: dateField(5),
  weekday: dateField(6),
  date: (registers, parts) => truncated(registers, parts, "day"),
  truncate: (registers, parts, [, unit]) => truncated(registers, parts, constantOf(unit)),
  number: (registers, parts) => registers.number(...all(parts, 1)),
  boolean: (registers, parts) => registers.truth(...all(parts, 1)),
  text: (registers, parts) => registers.text(...all(parts, 1)),
  coalesce(registers, parts) {
    const values = all(parts);
    const [first, ...rest] = values as [Value, ...Value[]];
    const kind = sharedKind(values);
    return rest.reduce(
      (a, b) => registers.emit(kind, instructions.coalesce, a.register, b.register),
      first,
    );
  },
  nullIf(registers, parts) {
    const [of, other] = all(parts, 2);
    const test = compared(registers, of, other, equal).register;
    const nothing = registers.constant(null).register;
    return registers.emit(of.kind, instructions.if, test, nothing, of.register);
  },
  if(registers, parts) {
    const [test, yes, no] = all(parts, 3);
    const kind = sharedKind([yes, no]);
    const { register } = registers.truth(test);
    return registers.emit(kind, instructions.if, register, yes.register, no.register);
  },
};

type Several<N extends number> = N extends 1
  ? [Value]
  : N extends 2
    ? [Value, Value]
    : [Value, Value, Value];

function all(parts: readonly Part[]): Value[];
function all<N extends 1 | 2 | 3>(parts: readonly Part[], count: N): Several<N>;
function all(parts: readonly Part[], count = parts.length): Value[] {
  if (parts.length !== count) throw new NotCompiled();
  return parts.map((make) => make());
}

function constantOf(expression: Expression | undefined): string | number | boolean | null {
  if (expression !== undefined && "value" in expression) return expression.value;
  throw new NotCompiled();
}

function sharedKind(values: readonly Value[]): Value["kind"] {
  const [kind, ...others] = new Set(values.map((value) => value.kind));
  return kind === undefined || others.length > 0 ? "any" : kind;
}

/** As numbers when one of them surely is one, or as booleans. */
function compared(registers: Registers, a: Value, b: Value, wanted: number): Value {
  const kinds = [a.kind, b.kind];
  const as = (["number", "truth"] as const).find((kind) => kinds.includes(kind));
  const [left, right] = as === undefined ? [a, b] : [registers[as](a), registers[as](b)];
  return registers.emit("truth", compare, left.register, right.register, wanted);
}

function comparison(wanted: number): Call {
  return (registers, parts) => compared(registers, ...all(parts, 2), wanted);
}

function chained(registers: Registers, what: number, values: readonly Value[]): Value {
  const [first, ...rest] = values.map((value) => registers.truth(value)) as [Value, ...Value[]];
  return rest.reduce((a, b) => registers.emit("truth", what, a.register, b.register), first);
}

function inText(way: number): Call {
  return (registers, parts) => {
    const [a, b] = all(parts, 2).map((value) => registers.text(value)) as [Value, Value];
    return registers.emit("truth", part, a.register, b.register, way);
  };
}

function ofText(
  registers: Registers,
  what: number,
  parts: readonly Part[],
  ...more: readonly number[]
): Value {
  const [value] = all(parts, 1);
  return registers.emit("text", what, registers.text(value).register, ...more);
}

function arithmetic(what: number): Call {
  return (registers, parts) => {
    const numbers = all(parts).map((value) => registers.number(value).register);
    return registers.emit("number", what, ...numbers);
  };
}

function rounded(
  registers: Registers,
  parts: readonly Part[],
  decimals: number,
  way: number,
): Value {
  const [value] = all(parts, 1);
  return registers.emit("number", round, registers.number(value).register, decimals, way);
}

function dateField(field: number): Call {
  return (registers, parts) => {
    const [value] = all(parts, 1);
    return registers.emit("number", date, value.register, field);
  };
}

function truncated(registers: Registers, parts: readonly Part[], unit: unknown): Value {
  const at = dateUnits.indexOf(unit as never);
  if (at === -1) throw new NotCompiled();
  return registers.emit("text", instructions.truncate, (parts[0] as Part)().register, at);
}
