/** Numbers that add up to the same whatever the order: decimal fractions, exactly.
 *
 *  Doubles do not: (0.1 + 0.2) + 0.3 is not 0.1 + (0.2 + 0.3), and which of them comes first
 *  depends on how the input was split. */
import { ClusterError } from "../../core/error.ts";
import { beyondSums, Decimal, type ExactNumber, exactNumber } from "../../wire/block/decimal.ts";

/** A whole number that a double holds exactly, or the digits of any other. */
export type Exact = number | string;

/** A number is its digits times ten to the power of minus its scale. */
type Scaled = { readonly digits: bigint; readonly scale: number };

/** Longest text of a number, and the greatest power of ten: a few bytes must not become megabytes
 *  of zeros. */
const textMaxCharacters = 400;
const powerMax = 400;
const asWritten = /^[ \t]*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[ \t]*$/i;
const number = /^[ \t]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?0*\d{1,4}))?[ \t]*$/;

/** The number that a cell or a field has; null when there is none: an empty text, null. Else a
 *  `user-error` that names the column. */
export function exactOf(value: unknown, column: string): Exact | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value + 0 : `${value}`;
  if (value === null || value === "") return null;
  if (value instanceof Decimal) return exactOf(value.text, column);
  if (typeof value === "string") {
    if (isShort(value)) return decimals === 0 ? unscaled : value;
    const decimal = value.length > textMaxCharacters ? null : read(value);
    if (decimal !== null && Number.isFinite(Number(value))) return written(decimal);
  }
  const shown = JSON.stringify(value)?.slice(0, 100);
  const isWritten = typeof value === "string" && asWritten.test(value);
  const problem = isWritten ? `is ${beyondSums}` : "is no number";
  throw new ClusterError("user-error", `"${column}" is ${shown}, which ${problem}`);
}

/** The same as a value of a result; null when it is beyond ±1.8e308. */
export function resultOf(exact: Exact): ExactNumber | null {
  return typeof exact === "number" ? exact : exactNumber(exact);
}

/** The sum, exactly. */
export function addExact(a: Exact, b: Exact): Exact {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  } else if (isShort(a)) {
    const [digits, scale] = [unscaled, decimals];
    if (isShort(b)) {
      const most = Math.max(scale, decimals);
      const fits =
        Math.abs(digits) <= (limits[most - scale] as number) &&
        Math.abs(unscaled) <= (limits[most - decimals] as number);
      const left = digits * (powers[most - scale] as number);
      if (fits) return shortText(left + unscaled * (powers[most - decimals] as number), most);
    }
  }
  const left = read(`${a}`) as Scaled;
  const right = read(`${b}`) as Scaled;
  const scale = Math.max(left.scale, right.scale);
  return written({ digits: scaled(left, scale) + scaled(right, scale), scale });
}

/** What `isShort` has read: the digits as a whole number, and how many are behind the point. */
let unscaled = 0;
let decimals = 0;
const shortMax = 15;
const powers = Array.from({ length: shortMax + 1 }, (_, i) => 10 ** i);
/** Two numbers up to these times a power of ten can be added without rounding. */
const limits = powers.map((power) => Math.floor(2 ** 52 / power));

/** Reads a number of up to 15 digits, as nearly all are: no exponent, no blanks, digits on both
 *  sides of a point. */
function isShort(exact: Exact): boolean {
  if (typeof exact === "number") {
    unscaled = exact;
    decimals = 0;
    return true;
  }
  const { length } = exact;
  if (length > shortMax + 2) return false;
  const negative = exact.charCodeAt(0) === 0x2d;
  let value = 0;
  let digits = 0;
  let point = -1;
  for (let i = negative ? 1 : 0; i < length; i++) {
    const code = exact.charCodeAt(i);
    if (code >= 0x30 && code <= 0x39) {
      value = value * 10 + code - 0x30;
      digits++;
    } else if (code === 0x2e && point === -1 && digits > 0) point = i;
    else return false;
  }
  if (digits === 0 || digits > shortMax || point === length - 1) return false;
  unscaled = negative && value !== 0 ? -value : value;
  decimals = point === -1 ? 0 : length - 1 - point;
  return true;
}

function shortText(digits: number, scale: number): Exact {
  if (scale === 0) return digits;
  const text = `${Math.abs(digits)}`.padStart(scale + 1, "0");
  const point = text.length - scale;
  return `${digits < 0 ? "-" : ""}${text.slice(0, point)}.${text.slice(point)}`;
}

function read(text: string): Scaled | null {
  const [, sign, whole = "", fraction = "", power = "0"] = number.exec(text) ?? [];
  if (sign === undefined || whole.length + fraction.length === 0) return null;
  const raised = Number(power);
  if (Math.abs(raised) > powerMax) return null;
  const magnitude = BigInt(whole + fraction);
  const digits = sign === "-" ? -magnitude : magnitude;
  const scale = fraction.length - raised;
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function scaled({ digits, scale }: Scaled, to: number): bigint {
  return to === scale ? digits : digits * 10n ** BigInt(to - scale);
}

/** One way to write each number: no zeros at the end of a fraction. */
function written(decimal: Scaled): Exact {
  let { digits, scale } = decimal;
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n;
    scale--;
  }
  const near = Number(digits);
  if (scale === 0 && Number.isSafeInteger(near)) return near;
  return scale === 0 ? `${digits}` : `${digits}e-${scale}`;
}
