/** What a kernel does with rows before it groups them, as numbers: see `assembly/query/program.ts`,
 *  which runs it. */
import type { GroupExports } from "./exports.ts";

/** What an instruction does, with the registers `to`, a, b and c, or as it is written here. */
export const instructions = {
  /** Column a; b: empty texts are null. */
  load: 0,
  /** Drops the rows for which a is not true. */
  keep: 1,
  number: 2,
  text: 3,
  /** c: bits of the orders for which it is true: 1 less, 2 equal, 4 greater. */
  compare: 4,
  and: 5,
  or: 6,
  not: 7,
  isNull: 8,
  coalesce: 9,
  /** The test is a. */
  if: 10,
  add: 11,
  sub: 12,
  mul: 13,
  mod: 14,
  neg: 15,
  abs: 16,
  /** To b decimals; c: 0 to the nearest, 1 down, 2 up. */
  round: 17,
  /** c: 0 it begins with b, 1 it ends with it, 2 has it in it. */
  part: 18,
  /** The pattern is c bytes from b on of the texts. */
  like: 19,
  /** b: capital letters. */
  case: 20,
  trim: 21,
  length: 22,
  /** Characters b to c. */
  substring: 23,
  concat: 24,
  /** b: 0 to 5 for year to second, 6 the day of the week. */
  date: 25,
  /** b: 0 year, 1 quarter, 2 month, 3 day, 4 hour, 5 minute. */
  truncate: 26,
  /** Column a, as `load` and `number` would make it. */
  loadNumber: 27,
  /** The boolean that a text says. */
  truth: 28,
} as const;

const { load, loadNumber, and, or, compare, coalesce, add, sub, mul, mod, part, concat } =
  instructions;
const ofColumns: readonly number[] = [load, loadNumber];
const binary = [and, or, compare, coalesce, add, sub, mul, mod, part, concat];
const ofTwo: readonly number[] = binary;

/** How many operands of an instruction are registers: the first ones. */
export function operandsOf(what: number): number {
  if (ofColumns.includes(what)) return 0;
  return what === instructions.if ? 3 : ofTwo.includes(what) ? 2 : 1;
}

export const aggregateKinds = {
  countAll: 0,
  countValues: 1,
  sum: 2,
  avg: 3,
  min: 4,
  max: 5,
  firstText: 6,
  lastText: 7,
  countDistinct: 8,
  quantile: 9,
} as const;

/** A register that has the same cell for all rows. */
export type Constant =
  | { readonly register: number; readonly text: readonly [from: number, length: number] }
  | { readonly register: number; readonly digits: number; readonly decimals: number }
  | { readonly register: number; readonly is: "null" | "false" | "true" };

export type Program = {
  /** What, to, a, b, c. */
  readonly code: ReadonlyArray<readonly number[]>;
  readonly registers: number;
  /** That rows must have. */
  readonly columns: readonly string[];
  readonly constants: readonly Constant[];
  /** Of constants and patterns, one behind the other. */
  readonly texts: string;
  /** What is done with the rows that are kept; null: they are read by the host. */
  readonly group?: Group | null;
  readonly frame?: Frame;
};

export type Group = {
  /** Registers. */
  readonly keys: readonly number[];
  /** Kind and register. */
  readonly aggregates: ReadonlyArray<readonly [number, number]>;
  /** Values of aggregates are groups besides. */
  readonly isOrdered: boolean;
};

/** Rows that are sorted: a key and a line. */
export type Frame = {
  /** Registers. */
  readonly keys: readonly number[];
  /** Which of the program's columns, and where its name in JSON is among the texts. */
  readonly columns: ReadonlyArray<readonly [column: number, from: number, length: number]>;
  readonly isCsv: boolean;
  /** Of rows with equal keys only the first. */
  readonly isUnique: boolean;
};

const kinds = { null: 2, false: 3, true: 4 } as const;

export function setProgram(exports: GroupExports, program: Program): void {
  const { code, registers, columns, constants, texts, group, frame } = program;
  const { aggregates, isOrdered } = group ?? { aggregates: [], isOrdered: false };
  const keys = group?.keys ?? frame?.keys ?? [];
  const bytes = Buffer.from(texts);
  const at = exports.startProgram(
    code.length,
    registers,
    columns.length,
    keys.length,
    aggregates.length,
    bytes.length,
    isOrdered,
  );
  const words = Uint32Array.from([...code.flat(), ...keys, ...aggregates.flat()]);
  const memory = new Uint8Array(exports.memory.buffer);
  memory.set(new Uint8Array(words.buffer), at);
  memory.set(bytes, at + words.byteLength);
  for (const constant of constants) {
    const { register } = constant;
    if ("text" in constant) exports.fillWithText(register, ...constant.text);
    else if ("is" in constant) exports.fillKind(register, kinds[constant.is]);
    else exports.fillNumber(register, constant.digits, constant.decimals);
  }
  if (frame !== undefined) {
    exports.frameAll(frame.columns.length, frame.isCsv, frame.isUnique);
    for (const [i, column] of frame.columns.entries()) exports.setOutput(i, ...column);
  } else if (group === null) exports.passOnly();
}
