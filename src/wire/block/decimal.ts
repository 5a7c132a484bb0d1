/** Numbers with all of their digits: a double where it is exactly the number that was written, a
 *  `Decimal` where no double is.
 *
 *  So 9007199254740993 and 0.1234567890123456789 are keys, are compared and come out as they went
 *  in, and nearly all numbers stay what the engine is fast with. */

/** A number that no double is. Equal ones have equal texts. */
export class Decimal {
  /** Without needless zeros; whole numbers without an exponent. */
  readonly text: string;

  /** `exactNumber` makes them. */
  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }

  /** `JSON.stringify` writes the digits as a number. */
  toJSON(): unknown {
    return (JSON as unknown as RawJson).rawJSON(this.text);
  }
}

export type ExactNumber = number | Decimal;

type RawJson = { rawJSON(text: string): unknown };

/** Of a number that is not 0: ±0.`digits` × 10^`power`, without zeros at either end. */
export type DecimalParts = {
  readonly negative: boolean;
  readonly digits: string;
  readonly power: number;
};

/** What is wrong with a text that is written as a number, and that `exactNumber` does not take. */
export const beyondNumbers =
  "beyond what numbers are: up to ±1.8e308, with exponents down to -10000 and 10000 characters";

/** What is wrong with a number that `sum`, `min` and `max` do not take. */
export const beyondSums =
  "beyond what is added and compared: up to ±1.8e308, with exponents of ±400 and 400 characters";

/** Longest text of a number, in characters, and the greatest power of ten. */
const charactersMax = 10_000;
const powerMax = 10_000;
const shape = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?0*\d{1,5}))?$/;

/** Null when the text is no number. 0 has no digits. */
export function decimalParts(text: string): DecimalParts | null {
  const [, sign, whole = "", fraction = "", raised = "0"] = shape.exec(text) ?? [];
  if (sign === undefined || whole.length + fraction.length === 0) return null;
  const digits = (whole + fraction).replace(/^0+/, "");
  const lead = whole.length + fraction.length - digits.length;
  const bare = digits.replace(/0+$/, "");
  const power = bare === "" ? 0 : whole.length - lead + Number(raised);
  return { negative: sign === "-" && bare !== "", digits: bare, power };
}

/** The number that a text says; null when it is none, has more than 10,000 characters, or lies
 *  beyond ±1.8e308. */
export function exactNumber(text: string): ExactNumber | null {
  const near = Number(text);
  if (!Number.isFinite(near) || text.length > charactersMax) return null;
  if (Number.isSafeInteger(near) && /^-?\d+$/.test(text)) return near + 0;
  // Up to 15 digits are those of the nearest double.
  if (text.length <= 16 && /^-?\d+\.\d+$/.test(text)) return near + 0;
  return exactOfParts(decimalParts(text), near);
}

/** `near`: the nearest double. Beyond all doubles it is infinite, and the number is a `Decimal`. */
export function exactOfParts(parts: DecimalParts | null, near: number): ExactNumber | null {
  if (parts === null || Math.abs(parts.power) > powerMax) return null;
  if (parts.digits === "") return 0;
  if (Number.isFinite(near)) {
    const shown = decimalParts(`${near}`) as DecimalParts;
    if (shown.digits === parts.digits && shown.power === parts.power) return near;
  }
  return new Decimal(decimalText(parts));
}

/** The text that a number is written as: like JavaScript's, but whole numbers with all digits. */
export function decimalText({ negative, digits, power }: DecimalParts): string {
  const sign = negative ? "-" : "";
  if (digits === "") return "0";
  if (power >= digits.length) return sign + digits + "0".repeat(power - digits.length);
  if (power > 0) return `${sign}${digits.slice(0, power)}.${digits.slice(power)}`;
  if (power > -6) return `${sign}0.${"0".repeat(-power)}${digits}`;
  const rest = digits.length === 1 ? "" : `.${digits.slice(1)}`;
  return `${sign}${digits.charAt(0)}${rest}e-${1 - power}`;
}

/** Negative, 0 or positive, as the numbers themselves compare. */
export function compareNumbers(a: ExactNumber, b: ExactNumber): number {
  if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
  const [nearA, nearB] = [Number(`${a}`), Number(`${b}`)];
  if (nearA !== nearB) return nearA < nearB ? -1 : 1;
  return compareParts(decimalParts(`${a}`) as DecimalParts, decimalParts(`${b}`) as DecimalParts);
}

function compareParts(a: DecimalParts, b: DecimalParts): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const sign = a.negative ? -1 : 1;
  if (a.digits === "" || b.digits === "") {
    return sign * (Number(a.digits !== "") - Number(b.digits !== ""));
  }
  if (a.power !== b.power) return a.power < b.power ? -sign : sign;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -sign : sign;
}

const bits = new DataView(new ArrayBuffer(8));

/** The greatest double that is not above the number; −∞ below all of them. */
export function doubleBelow({ text }: Decimal): number {
  const near = Number(text);
  const parts = decimalParts(text) as DecimalParts;
  if (near === Number.POSITIVE_INFINITY) return Number.MAX_VALUE;
  if (near === Number.NEGATIVE_INFINITY || isAtLeast(parts, near)) return near;
  if (near === 0) return -Number.MIN_VALUE;
  bits.setFloat64(0, near);
  bits.setBigUint64(0, bits.getBigUint64(0) + (near > 0 ? -1n : 1n));
  return bits.getFloat64(0);
}

/** Whether the number is at least the double, exactly. */
function isAtLeast({ negative, digits, power }: DecimalParts, double: number): boolean {
  let halves = 0n;
  let whole = double;
  for (; !Number.isInteger(whole); whole *= 2) halves++;
  const places = BigInt(Math.max(0, digits.length - power));
  const zeros = BigInt(Math.max(0, power - digits.length));
  const unsigned = BigInt(digits) * 10n ** zeros;
  const left = (negative ? -unsigned : unsigned) << halves;
  return left >= BigInt(whole) * 10n ** places;
}

/** A number behind a digit, a long one or one with an exponent: only there a digit can be lost. */
const mayLose = /[\d.]{16}|\d[eE]/;

type Reviver = (name: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWith = JSON.parse as (text: string, reviver?: Reviver) => unknown;

/** `JSON.parse`, with all digits of numbers: those that no double is are `Decimal`s. Throws a
 *  `SyntaxError` also for numbers beyond ±1.8e308. */
export function parseExactJson(text: string): unknown {
  if (!mayLose.test(text)) return JSON.parse(text);
  return parseWith(text, (_, value, { source }) => {
    if (typeof value !== "number" || source === undefined) return value;
    const exact = exactNumber(source);
    if (exact === null) throw new SyntaxError(`${source.slice(0, 40)} is ${beyondNumbers}`);
    return exact;
  });
}
