/** What cells are as numbers and as texts, and how two of them compare. */
import { decimals, digits, digitsMax, power, powerMax, raise, readNumber } from "../groups/numbers";
import { writeDecimal } from "../groups/numbers";
import { fieldAt, kindNumber, kindShift, lengthMask } from "../groups/rows";
import {
  copyCell,
  digitsOf,
  hasMadeRoom,
  isOdd,
  keepOnly,
  keepRow,
  kindOf,
  lengthIn,
  madeAt,
  markOdd,
  no,
  none,
  number,
  other,
  rowAt,
  scaleIn,
  selected,
  setKind,
  setNumber,
  setOdd,
  setText,
  setTruth,
  takeMade,
  text,
  textOf,
  yes,
} from "./registers";

/** Decimals of a number in a text that JavaScript writes without an exponent. */
const plainDecimals: u32 = 6;

/** The cells of a field. `emptyIsNull`: of texts without characters. */
export function loadField(to: usize, field: u32, emptyIsNull: bool): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const from = fieldAt(row, field);
    const length = load<u32>(from, 4);
    const kind = length >> kindShift;
    if (kind == text) {
      if (length == 0 && emptyIsNull) setKind(to, row, none);
      else setText(to, row, load<u32>(from), length);
    } else if (kind == kindNumber) {
      if (!readNumber(load<u32>(from), length & lengthMask, digitsMax)) setOdd(to, row);
      else setNumber(to, row, digits, decimals);
    } else setKind(to, row, kind);
  }
}

/** What `numbersOf` makes of `loadField`. */
export function loadNumbers(to: usize, field: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const from = fieldAt(row, field);
    const length = load<u32>(from, 4) & lengthMask;
    const kind = load<u32>(from, 4) >> kindShift;
    if (kind != text && kind != kindNumber) {
      if (kind == none) setKind(to, row, none);
      else setOdd(to, row);
    } else if (kind == text && length == 0) setKind(to, row, none);
    else if (readNumber(load<u32>(from), length, digitsMax)) setNumber(to, row, digits, decimals);
    else setOdd(to, row);
  }
}

/** Null of null and of an empty text. */
export function numbersOf(to: usize, from: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kind = kindOf(from, row);
    if (kind == text) {
      const length = lengthIn(from, row);
      if (length == 0) setKind(to, row, none);
      else if (readNumber(textOf(from, row), length, digitsMax)) {
        setNumber(to, row, digits, decimals);
      } else setOdd(to, row);
    } else if (kind == number || kind == none) copyCell(to, from, row);
    else setOdd(to, row);
  }
}

const letterTrue: u32 = 0x65757274;
const letterFals: u32 = 0x736c6166;
/** Small letters of four at once. */
const smallLetters: u32 = 0x20202020;

/** 0 to 3 letters, or more than 5: neither. */
function truthIn(at: usize, length: u32): u32 {
  if (length == 4 && (load<u32>(at) | smallLetters) == letterTrue) return yes;
  const isFalse = length == 5 && (load<u32>(at) | smallLetters) == letterFals;
  return isFalse && (load<u8>(at, 4) | 0x20) == 0x65 ? no : length == 0 ? none : other;
}

/** The booleans that texts say. Null of null and of an empty text. */
export function truthsOf(to: usize, from: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    let kind = kindOf(from, row);
    if (kind == text) kind = truthIn(textOf(from, row), lengthIn(from, row));
    if (isTruth(kind)) setKind(to, row, kind);
    else setOdd(to, row);
  }
}

/** Null of null; the words of booleans. */
export function textsOf(to: usize, from: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kind = kindOf(from, row);
    if (kind == text || kind == none) {
      copyCell(to, from, row);
      continue;
    }
    if ((kind == no || kind == yes) && hasMadeRoom(32)) {
      store<u32>(madeAt, kind == yes ? letterTrue : letterFals);
      store<u8>(madeAt, 0x65, 4);
      takeMade(to, row, madeAt + (kind == yes ? 4 : 5));
      continue;
    }
    let whole = digitsOf(from, row);
    let scale = kind == number ? scaleIn(from, row) : u32.MAX_VALUE;
    if (kind == number) {
      while (scale > 0 && whole % 10 == 0) {
        whole /= 10;
        scale--;
      }
    }
    if (scale > plainDecimals || !hasMadeRoom(32)) setOdd(to, row);
    else takeMade(to, row, writeDecimal(madeAt, whole, scale));
  }
}

// @ts-ignore: decorator
@inline
export function isMissing(register: usize, row: u32): bool {
  const kind = kindOf(register, row);
  return kind == none || (kind == text && lengthIn(register, row) == 0);
}

/** −1, 0 or 1, as the numbers themselves compare; of at most 15 digits. */
export function compareScaled(a: i64, scaleA: u32, b: i64, scaleB: u32): i32 {
  if (scaleA < scaleB) {
    // What cannot be raised is larger than whatever has 15 digits.
    if (!raise(a, scaleB - scaleA)) return a < 0 ? -1 : 1;
    if (a != 0) a *= power(min(powerMax, scaleB - scaleA));
  } else if (scaleB < scaleA) {
    if (!raise(b, scaleA - scaleB)) return b < 0 ? 1 : -1;
    if (b != 0) b *= power(min(powerMax, scaleA - scaleB));
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** −1, 0 or 1: by bytes, a prefix first. */
export function compareTexts(a: usize, lengthA: u32, b: usize, lengthB: u32): i32 {
  const shared = min(lengthA, lengthB);
  let i: u32 = 0;
  for (; i + 8 <= shared; i += 8) {
    const left = load<u64>(a + i);
    const right = load<u64>(b + i);
    if (left != right) return bswap(left) < bswap(right) ? -1 : 1;
  }
  for (; i < shared; i++) {
    const left = load<u8>(a + i);
    const right = load<u8>(b + i);
    if (left != right) return left < right ? -1 : 1;
  }
  return lengthA < lengthB ? -1 : lengthA > lengthB ? 1 : 0;
}

/** `wanted`: bits of the orders for which it is true: 1 less, 2 equal, 4 greater. The host has seen
 *  to it that both are numbers where one of them surely is. */
export function compareCells(to: usize, a: usize, b: usize, wanted: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kindA = kindOf(a, row);
    const kindB = kindOf(b, row);
    if (kindA == none || kindB == none) {
      setKind(to, row, none);
      continue;
    }
    let order: i32;
    if (kindA == number && kindB == number) {
      const digitsA = digitsOf(a, row);
      order = compareScaled(digitsA, scaleIn(a, row), digitsOf(b, row), scaleIn(b, row));
    } else if (kindA == text && kindB == text) {
      const length = lengthIn(b, row);
      order = compareTexts(textOf(a, row), lengthIn(a, row), textOf(b, row), length);
    } else if (kindA >= no && kindA <= yes && kindB >= no && kindB <= yes) {
      order = <i32>kindA - <i32>kindB;
    } else {
      setOdd(to, row);
      continue;
    }
    setTruth(to, row, (wanted >> <u32>(order + 1) & 1) != 0);
  }
}

// @ts-ignore: decorator
@inline
function isTruth(kind: u32): bool {
  return kind >= none && kind < other;
}

export function both(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const left = kindOf(a, row);
    const right = kindOf(b, row);
    if (!isTruth(left) || !isTruth(right)) setOdd(to, row);
    else if (left == no || right == no) setKind(to, row, no);
    else setKind(to, row, left == none || right == none ? none : yes);
  }
}

export function either(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const left = kindOf(a, row);
    const right = kindOf(b, row);
    if (!isTruth(left) || !isTruth(right)) setOdd(to, row);
    else if (left == yes || right == yes) setKind(to, row, yes);
    else setKind(to, row, left == none || right == none ? none : no);
  }
}

export function negated(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kind = kindOf(a, row);
    if (!isTruth(kind)) setOdd(to, row);
    else setKind(to, row, kind == none ? none : kind == yes ? no : yes);
  }
}

export function areNull(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    setTruth(to, row, kindOf(a, row) == none);
  }
}

/** The first, or where it is null the second. */
export function firstOf(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    copyCell(to, kindOf(a, row) == none ? b : a, row);
  }
}

/** The first where the test is true, else the second. */
export function choice(to: usize, test: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kind = kindOf(test, row);
    if (!isTruth(kind)) setOdd(to, row);
    else copyCell(to, kind == yes ? a : b, row);
  }
}

/** Keeps the rows for which the test is true, and those that are odd. */
export function keepTrue(test: usize): void {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kind = kindOf(test, row);
    if (!isTruth(kind)) markOdd(row);
    if (kind == yes || isOdd(row)) keepRow(kept++, row);
  }
  keepOnly(kept);
}
