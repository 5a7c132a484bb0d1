/** Numbers that add up to the same whatever the order: decimal fractions, exactly.
 *
 *  Doubles do not: (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3), and which of them comes first
 *  depends
 *  on how the input was split. */
import { ClusterError } from "../../../core/error.ts";

/** A whole number that a double holds exactly, or the digits of any other. */
export type Exact = number | string;

/** A number is its digits times ten to the power of minus its scale. */
type Decimal = { readonly digits: bigint; readonly scale: number };

/** Longest text of a number, and the greatest power of ten: a few bytes must not become megabytes
 *  of zeros. */
const textMaxCharacters = 400;
const powerMax = 400;
const number = /^[ \t]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?[ \t]*$/;

/** The number that a cell or a field has; null when there is none: an empty text, null. Else a
 *  `user-error` that names the column. */
export function exactOf(value: unknown, column: string): Exact | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value + 0 : `${value}`;
  if (value === null || value === "") return null;
  if (typeof value === "string") {
    if (isShortWhole(value)) return Number(value);
    const decimal = value.length > textMaxCharacters ? null : read(value);
    if (decimal !== null && Number.isFinite(Number(value))) return written(decimal);
  }
  const shown = JSON.stringify(value)?.slice(0, 100);
  throw new ClusterError("user-error", `"${column}" is ${shown}, which is no number`);
}

/** The sum, exactly. */
export function addExact(a: Exact, b: Exact): Exact {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const left = read(`${a}`) as Decimal;
  const right = read(`${b}`) as Decimal;
  const scale = Math.max(left.scale, right.scale);
  return written({ digits: scaled(left, scale) + scaled(right, scale), scale });
}

function isShortWhole(text: string): boolean {
  const { length } = text;
  if (length > 15) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}

function read(text: string): Decimal | null {
  const [, sign, whole = "", fraction = "", power = "0"] = number.exec(text) ?? [];
  if (sign === undefined || whole.length + fraction.length === 0) return null;
  const raised = Number(power);
  if (Math.abs(raised) > powerMax) return null;
  const magnitude = BigInt(whole + fraction);
  const digits = sign === "-" ? -magnitude : magnitude;
  const scale = fraction.length - raised;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function scaled({ digits, scale }: Decimal, to: number): bigint {
  return to === scale ? digits : digits * 10n ** BigInt(to - scale);
}

/** One way to write each number: no zeros at the end of a fraction. */
function written(decimal: Decimal): Exact {
  let { digits, scale } = decimal;
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale--;
  }
  const near = Number(digits);
  if (scale === 0 && Number.isSafeInteger(near)) return near;
  return scale === 0 ? `${digits}` : `${digits}e-${scale}`;
}
