/** Arithmetic on numbers of up to 15 digits: what is larger, or has more decimals than can be
 *  written down here, is odd. All arguments are numbers or null. */
import { power, powerMax, raise } from "../groups/numbers";
import {
  digitsOf,
  kindOf,
  none,
  number,
  rowAt,
  scaleIn,
  selected,
  setKind,
  setNumber,
  setOdd,
} from "./registers";

/** Numbers below it have up to 15 digits: those of the nearest double, and no others. */
const limit: i64 = 1_000_000_000_000_000;

// @ts-ignore: decorator
@inline
function put(to: usize, row: u32, digits: i64, scale: u32): void {
  if (digits < limit && digits > -limit && scale <= powerMax) setNumber(to, row, digits, scale);
  else setOdd(to, row);
}

/** Whether both are numbers; else the result is null. */
// @ts-ignore: decorator
@inline
function areNumbers(to: usize, a: usize, b: usize, row: u32): bool {
  if (kindOf(a, row) == number && kindOf(b, row) == number) return true;
  setKind(to, row, none);
  return false;
}

/** With the same decimals; false when one of them would have too many digits. */
let left: i64 = 0;
let right: i64 = 0;
let scale: u32 = 0;

function align(a: usize, b: usize, row: u32): bool {
  left = digitsOf(a, row);
  right = digitsOf(b, row);
  const scaleA = scaleIn(a, row);
  const scaleB = scaleIn(b, row);
  scale = max(scaleA, scaleB);
  if (scaleA < scaleB) {
    if (!raise(left, scaleB - scaleA)) return false;
    left *= power(scaleB - scaleA);
  } else if (scaleB < scaleA) {
    if (!raise(right, scaleA - scaleB)) return false;
    right *= power(scaleA - scaleB);
  }
  return true;
}

/** `sign`: 1 adds, −1 subtracts. */
export function sums(to: usize, a: usize, b: usize, sign: i64): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!areNumbers(to, a, b, row)) continue;
    if (!align(a, b, row)) setOdd(to, row);
    else put(to, row, left + sign * right, scale);
  }
}

export function products(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!areNumbers(to, a, b, row)) continue;
    const x = digitsOf(a, row);
    const y = digitsOf(b, row);
    if (abs(<f64>x * <f64>y) >= <f64>limit) setOdd(to, row);
    else put(to, row, x * y, scaleIn(a, row) + scaleIn(b, row));
  }
}

/** With the sign of the first; null by 0. */
export function remainders(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!areNumbers(to, a, b, row)) continue;
    if (!align(a, b, row)) setOdd(to, row);
    else if (right == 0) setKind(to, row, none);
    else put(to, row, left % right, scale);
  }
}

export function negatives(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (kindOf(a, row) != number) setKind(to, row, none);
    else setNumber(to, row, -digitsOf(a, row), scaleIn(a, row));
  }
}

export function magnitudes(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (kindOf(a, row) != number) {
      setKind(to, row, none);
      continue;
    }
    const digits = digitsOf(a, row);
    setNumber(to, row, digits < 0 ? -digits : digits, scaleIn(a, row));
  }
}

/** `way`: 0 to the nearest, halves away from zero; 1 down; 2 up. */
export function rounded(to: usize, a: usize, decimals: u32, way: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (kindOf(a, row) != number) {
      setKind(to, row, none);
      continue;
    }
    const digits = digitsOf(a, row);
    const there = scaleIn(a, row);
    if (there <= decimals) {
      setNumber(to, row, digits, there);
      continue;
    }
    const unit = power(there - decimals);
    const rest = ((digits % unit) + unit) % unit;
    const isUp =
      way == 2 ? rest > 0 : way == 0 && (digits < 0 ? 2 * rest > unit : 2 * rest >= unit);
    const whole = (digits - rest) / unit;
    setNumber(to, row, isUp ? whole + 1 : whole, decimals);
  }
}
