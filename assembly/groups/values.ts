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
  if (op != opCount && op != opSum) return writeNumber(at, double);
  if (scale == 0) {
    if (whole <= safeMax && whole >= -safeMax) return writeNumber(at, <f64>whole);
  }
  const end = writeDecimal(at + 3, whole, scale);
  const length = <u32>(end - at) - 3;
  store<u8>(at, <u8>(length + 2));
  store<u8>(at, <u8>tagText, 1);
  store<u8>(at, <u8>length, 2);
  return end;
}

function writeNumber(at: usize, value: f64): usize {
  const isWhole = value == trunc(value) && abs(value) < integerLimit;
  if (isWhole && (value != 0 || reinterpret<u64>(value) == 0)) {
    const zigzag = value < 0 ? <u64>(-value) * 2 - 1 : <u64>value * 2;
    const end = writeVarint(at + 2, zigzag);
    store<u8>(at, <u8>(end - at - 1));
    store<u8>(at, <u8>tagInteger, 1);
    return end;
  }
  store<u8>(at, 9);
  store<u8>(at, <u8>tagDouble, 1);
  store<f64>(at, value, 2);
  return at + 10;
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
