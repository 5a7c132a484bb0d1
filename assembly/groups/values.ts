/** Accumulators as the values of runs, and back: see `src/wire/block/value.ts`. */
import { opCount, opSum } from "./count";
import { decimals, digits, readNumber, writeDecimal } from "./numbers";

const tagInteger: u32 = 4;
const tagDouble: u32 = 5;
const tagText: u32 = 6;
/** Whole numbers below it are varints. */
const integerLimit: f64 = 281_474_976_710_656;
/** The largest whole numbers that doubles hold exactly, one by one. */
const safeMax: i64 = 9_007_199_254_740_991;
/** Digits of a sum that are read. */
export const sumDigitsMax: u32 = 18;

/** What `readValue` has read: a count or a sum and its scale, or a double. */
export let whole: i64 = 0;
export let scale: u32 = 0;
export let double: f64 = 0;

// @ts-ignore: decorator
@inline
export function writeVarint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(at++, <u8>value);
  return at;
}

/** Writes the length of a value and the value; answers where it ends. At most 32 bytes. */
export function writeValue(at: usize, op: u32, whole: i64, scale: u32, double: f64): usize {
  const isSum = op == opCount || op == opSum;
  const end = isSum ? writeSum(at + 1, whole, scale) : writeNumber(at + 1, double);
  store<u8>(at, <u8>(end - at - 1));
  return end;
}

/** As a number where a double holds it exactly, one by one, else as a text of all its digits. */
export function writeSum(at: usize, whole: i64, scale: u32): usize {
  if (scale == 0 && whole <= safeMax && whole >= -safeMax) return writeNumber(at, <f64>whole);
  const end = writeDecimal(at + 2, whole, scale);
  store<u8>(at, <u8>tagText);
  store<u8>(at, <u8>(end - at - 2), 1);
  return end;
}

export function writeNumber(at: usize, value: f64): usize {
  const isWhole = value == trunc(value) && abs(value) < integerLimit;
  if (isWhole && (value != 0 || reinterpret<u64>(value) == 0)) {
    const zigzag = value < 0 ? <u64>(-value) * 2 - 1 : <u64>value * 2;
    store<u8>(at, <u8>tagInteger);
    return writeVarint(at + 1, zigzag);
  }
  store<u8>(at, <u8>tagDouble);
  store<f64>(at, value, 1);
  return at + 9;
}

/** Reads the value [at, end); false when it is none that the kernel adds up. */
export function readValue(at: usize, end: usize, op: u32): bool {
  if (at >= end) return false;
  const tag = <u32>load<u8>(at++);
  if (tag == tagInteger) {
    let zigzag: u64 = 0;
    for (let shift: u64 = 0; at < end && shift < 56; shift += 7) {
      const byte = <u64>load<u8>(at++);
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    whole = <i64>(zigzag >> 1) ^ -(<i64>(zigzag & 1));
    scale = 0;
    double = <f64>whole;
    return at == end;
  }
  if (tag == tagDouble && end - at == 8) {
    double = load<f64>(at);
    scale = 0;
    if (op != opSum) return op != opCount;
    // Sums are whole numbers where they are numbers.
    whole = <i64>double;
    return <f64>whole == double && whole <= safeMax && whole >= -safeMax;
  }
  if (tag != tagText || op != opSum || end - at < 2) return false;
  const length = <u32>load<u8>(at++);
  if (<usize>length != end - at || !readNumber(at, length, sumDigitsMax)) return false;
  whole = digits;
  scale = decimals;
  return true;
}
