/** Short decimal numbers as whole numbers and how many of their digits are behind the point: what
 *  `src/worker/operators/decimal.ts` takes for short. */

export const digitsMax: u32 = 15;
/** A sum beyond this is no more added to by the kernel. */
export const sumMax: i64 = 4_000_000_000_000_000_000;

/** What `readNumber` has read. */
export let digits: i64 = 0;
export let decimals: u32 = 0;

export function restoreNumber(digits_: i64, decimals_: u32): void {
  digits = digits_;
  decimals = decimals_;
}

const powers: StaticArray<i64> = [
  1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
  10_000_000_000, 100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000,
  1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000,
  1_000_000_000_000_000_000,
];
export const powerMax: u32 = 18;

// @ts-ignore: decorator
@inline
export function power(exponent: u32): i64 {
  return unchecked(powers[exponent]);
}

/** Reads digits, with a sign before them and a point between them or not; false when it is anything
 *  else, or has more than `most` digits. */
export function readNumber(from: usize, length: u32, most: u32): bool {
  if (length > most + 2) return false;
  const end = from + length;
  const isNegative = length > 0 && load<u8>(from) == 0x2d;
  const start = isNegative ? from + 1 : from;
  let value: u64 = 0;
  let point: usize = 0;
  for (let at = start; at < end; at++) {
    const digit = <u32>load<u8>(at) - 0x30;
    if (digit < 10) value = value * 10 + digit;
    else if (digit == 0xfffffffe && point == 0 && at > start) point = at;
    else return false;
  }
  const count = <u32>(end - start) - (point == 0 ? 0 : 1);
  if (count == 0 || count > most || point == end - 1) return false;
  digits = isNegative ? -(<i64>value) : <i64>value;
  decimals = point == 0 ? 0 : <u32>(end - point) - 1;
  return true;
}

/** `sumMax` by powers of ten: a division costs as much as all else that is done with a row's
 *  number. */
const limits: StaticArray<i64> = [
  4_000_000_000_000_000_000, 400_000_000_000_000_000, 40_000_000_000_000_000,
  4_000_000_000_000_000, 400_000_000_000_000, 40_000_000_000_000, 4_000_000_000_000,
  400_000_000_000, 40_000_000_000, 4_000_000_000, 400_000_000, 40_000_000, 4_000_000, 400_000,
  40_000, 4000, 400, 40, 4,
];

/** Multiplies by a power of ten; false when the product is beyond `sumMax`. */
export function raise(value: i64, by: u32): bool {
  if (by > powerMax) return value == 0;
  const limit = unchecked(limits[by]);
  return value <= limit && value >= -limit;
}

/** Writes digits; answers where they end. */
export function writeWhole(at: usize, value: u64): usize {
  let length = 1;
  for (let rest = value; rest >= 10; rest /= 10) length++;
  const end = at + length;
  for (let to = end; to > at; value /= 10) store<u8>(--to, 0x30 + <u8>(value % 10));
  return end;
}

/** Writes digits with a point before the last `scale` of them; answers where they end. */
export function writeDecimal(at: usize, value: i64, scale: u32): usize {
  if (value < 0) store<u8>(at++, 0x2d);
  const size = value < 0 ? 0 - <u64>value : <u64>value;
  if (scale == 0) return writeWhole(at, size);
  const unit = <u64>power(scale);
  at = writeWhole(at, size / unit);
  store<u8>(at++, 0x2e);
  let rest = size % unit;
  const end = at + scale;
  for (let to = end; to > at; rest /= 10) store<u8>(--to, 0x30 + <u8>(rest % 10));
  return end;
}
