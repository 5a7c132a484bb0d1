/** Arithmetic on numbers with all of their digits. Small whole numbers and short decimals are fast,
 *  all others exact by way of large integers. */
import { ClusterError } from "../../../core/error.ts";
import {
  type DecimalParts,
  decimalParts,
  type ExactNumber,
  exactNumber,
} from "../../../wire/block/decimal.ts";

/** `digits` × 10^−`scale`. */
type Fixed = { readonly digits: bigint; readonly scale: number };

/** So many digits of a quotient that does not end are computed. */
const quotientDigits = 40;
/** Most digits of a result. */
const digitsMax = 2000;

export function add(a: ExactNumber, b: ExactNumber): ExactNumber {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(sum)) return sum;
    const [left, right] = [shortScale(a), shortScale(b)];
    if (left >= 0 && right >= 0) {
      const power = powers[Math.max(left, right)] as number;
      const [x, y] = [Math.round(a * power), Math.round(b * power)];
      if (Math.abs(x) + Math.abs(y) < shortMax) return (x + y) / power + 0;
    }
  }
  const [left, right, scale] = aligned(a, b);
  return exactly(left + right, scale);
}

export function negate(a: ExactNumber): ExactNumber {
  if (typeof a === "number") return 0 - a;
  const { digits, scale } = fixedOf(a);
  return exactly(-digits, scale);
}

export function multiply(a: ExactNumber, b: ExactNumber): ExactNumber {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    const areWhole = Number.isSafeInteger(a) && Number.isSafeInteger(b);
    if (areWhole && Number.isSafeInteger(product)) return product + 0;
    const [left, right] = [shortScale(a), shortScale(b)];
    if (left >= 0 && right >= 0) {
      const [x, y] = [powers[left] as number, powers[right] as number];
      const digits = Math.round(a * x) * Math.round(b * y);
      if (Math.abs(digits) < shortMax) return digits / (powers[left + right] as number) + 0;
    }
  }
  const [left, right] = [fixedOf(a), fixedOf(b)];
  return exactly(left.digits * right.digits, left.scale + right.scale);
}

/** Exactly when the quotient ends within 40 digits, else the nearest double. Null by 0. */
export function divide(a: ExactNumber, b: ExactNumber): ExactNumber | null {
  const [left, right] = aligned(a, b);
  return right === 0n ? null : quotient(left, right);
}

export function quotient(of: bigint, by: bigint): ExactNumber {
  const negative = of < 0n !== by < 0n;
  const [above, below] = [of < 0n ? -of : of, by < 0n ? -by : by];
  const shift = Math.max(0, quotientDigits + `${below}`.length - `${above}`.length);
  const shifted = above * 10n ** BigInt(shift);
  const whole = shifted / below;
  if (whole * below === shifted) return exactly(negative ? -whole : whole, shift);
  // What is left decides where two doubles are equally near.
  const near = Number(`${whole}1e-${shift + 1}`);
  return negative ? -near : near;
}

/** What is left when the whole part of a/b is taken away: with the sign of `a`. Null by 0. */
export function remainder(a: ExactNumber, b: ExactNumber): ExactNumber | null {
  const [left, right, scale] = aligned(a, b);
  return right === 0n ? null : exactly(left % right, scale);
}

/** To so many decimals (negative: tens, hundreds), halves away from zero; or down, or up. */
export function rounded(
  a: ExactNumber,
  decimals: number,
  way: "half" | "floor" | "ceil",
): ExactNumber {
  if (typeof a === "number" && decimals >= 0 && Number.isSafeInteger(a)) return a;
  const { digits, scale } = fixedOf(a);
  if (scale <= decimals) return a;
  const unit = 10n ** BigInt(scale - decimals);
  const rest = ((digits % unit) + unit) % unit;
  const below = digits - rest;
  const isUp =
    way === "ceil"
      ? rest > 0n
      : way === "half" && (digits < 0n ? 2n * rest > unit : 2n * rest >= unit);
  return exactly((isUp ? below + unit : below) / unit, decimals);
}

const powers = Array.from({ length: 25 }, (_, i) => 10 ** i);
const shortMax = 1e15;
/** The decimals of a number that has at most 6 of them, and 15 digits; else −1. As whole numbers
 *  such are exact, and what they come to below 10^15 has one nearest double. */
function shortScale(a: number): number {
  for (let scale = 0; scale <= 6; scale++) {
    const power = powers[scale] as number;
    const digits = Math.round(a * power);
    if (Math.abs(digits) >= shortMax) return -1;
    if (digits / power === a) return scale;
  }
  return -1;
}

function aligned(a: ExactNumber, b: ExactNumber): readonly [bigint, bigint, number] {
  const [left, right] = [fixedOf(a), fixedOf(b)];
  const scale = Math.max(left.scale, right.scale);
  const raised = ({ digits, scale: own }: Fixed) => digits * 10n ** BigInt(scale - own);
  return [raised(left), raised(right), scale];
}

function fixedOf(a: ExactNumber): Fixed {
  if (typeof a === "number" && Number.isSafeInteger(a)) return { digits: BigInt(a), scale: 0 };
  const { negative, digits, power } = decimalParts(`${a}`) as DecimalParts;
  if (digits === "") return { digits: 0n, scale: 0 };
  const whole = BigInt(digits);
  return { digits: negative ? -whole : whole, scale: digits.length - power };
}

function exactly(digits: bigint, scale: number): ExactNumber {
  const text = `${digits}`;
  const result = text.length > digitsMax ? null : exactNumber(`${text}e${-scale}`);
  if (result !== null) return result;
  throw new ClusterError(
    "user-error",
    "a computed number is beyond ±1.8e308 or has too many digits",
  );
}
