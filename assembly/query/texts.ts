/** Functions of texts, on their bytes: UTF-8 without U+0000, as the host has made sure. All
 *  arguments are texts or null. */
import {
  hasMadeRoom,
  kindOf,
  lengthIn,
  madeAt,
  none,
  rowAt,
  selected,
  setKind,
  setNumber,
  setOdd,
  setText,
  setTruth,
  takeMade,
  text,
  textOf,
} from "./registers";

export const startsWith: u32 = 0;
export const endsWith: u32 = 1;
export const contains: u32 = 2;

/** Whether the cell is a text; else the result is null for null, and odd. */
// @ts-ignore: decorator
@inline
function hasText(to: usize, a: usize, row: u32): bool {
  const kind = kindOf(a, row);
  if (kind == none) setKind(to, row, none);
  else if (kind != text) setOdd(to, row);
  return kind == text;
}

// @ts-ignore: decorator
@inline
function isSame(a: usize, b: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

function hasPart(at: usize, length: u32, part: usize, partLength: u32): bool {
  if (partLength == 0) return true;
  if (length < partLength) return false;
  const first = i8x16.splat(<i8>load<u8>(part));
  const last = at + length - partLength;
  for (let from = at; from <= last; from += 16) {
    let found = <u32>i8x16.bitmask(i8x16.eq(v128.load(from), first));
    for (; found != 0; found &= found - 1) {
      const here = from + <usize>ctz(found);
      if (here > last) return false;
      if (isSame(here, part, partLength)) return true;
    }
  }
  return false;
}

export function tests(to: usize, a: usize, b: usize, way: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (kindOf(a, row) == none || kindOf(b, row) == none) {
      setKind(to, row, none);
      continue;
    }
    if (kindOf(a, row) != text || kindOf(b, row) != text) {
      setOdd(to, row);
      continue;
    }
    const at = textOf(a, row);
    const length = lengthIn(a, row);
    const part = textOf(b, row);
    const partLength = lengthIn(b, row);
    if (way == contains) setTruth(to, row, hasPart(at, length, part, partLength));
    else if (length < partLength) setTruth(to, row, false);
    else {
      const from = way == startsWith ? at : at + length - partLength;
      setTruth(to, row, isSame(from, part, partLength));
    }
  }
}

// @ts-ignore: decorator
@inline
function characterBytes(lead: u32): u32 {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** `%` is any text, `_` any character. Goes back to the last `%` only. */
function isLike(at: usize, end: usize, pattern: usize, patternEnd: usize): bool {
  let again: usize = 0;
  let from: usize = 0;
  while (at < end) {
    if (pattern < patternEnd) {
      const wanted = <u32>load<u8>(pattern);
      if (wanted == 0x25) {
        again = ++pattern;
        from = at;
        continue;
      }
      if (wanted == 0x5f) {
        at += characterBytes(load<u8>(at));
        pattern++;
        continue;
      }
      if (wanted == <u32>load<u8>(at)) {
        at++;
        pattern++;
        continue;
      }
    }
    if (again == 0) return false;
    pattern = again;
    from += characterBytes(load<u8>(from));
    at = from;
  }
  while (pattern < patternEnd && load<u8>(pattern) == 0x25) pattern++;
  return pattern == patternEnd;
}

export function likes(to: usize, a: usize, pattern: usize, length: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasText(to, a, row)) continue;
    const at = textOf(a, row);
    setTruth(to, row, isLike(at, at + lengthIn(a, row), pattern, pattern + length));
  }
}

/** Letters of ASCII and Latin-1; what has others is odd. */
export function cased(to: usize, a: usize, isUpper: bool): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasText(to, a, row)) continue;
    const end = hasMadeRoom(lengthIn(a, row)) ? caseInto(a, row, isUpper) : 0;
    if (end == 0) setOdd(to, row);
    else takeMade(to, row, end);
  }
}

function caseInto(a: usize, row: u32, isUpper: bool): usize {
  const end = textOf(a, row) + lengthIn(a, row);
  const first: u32 = isUpper ? 0x61 : 0x41;
  let put = madeAt;
  for (let at = textOf(a, row); at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (byte < 0x80) {
      store<u8>(put++, <u8>(byte - first < 26 ? byte ^ 0x20 : byte));
      continue;
    }
    if (byte != 0xc3) return 0;
    const next = <u32>load<u8>(++at);
    // Its capital letter is another character, or two: ß and ÿ.
    if (isUpper && (next == 0x9f || next == 0xbf)) return 0;
    const isLetter = isUpper ? next >= 0xa0 && next != 0xb7 : next < 0x9f && next != 0x97;
    store<u8>(put++, 0xc3);
    store<u8>(put++, <u8>(isLetter ? next ^ 0x20 : next));
  }
  return put;
}

/** Without blanks at both ends. */
export function trimmed(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasText(to, a, row)) continue;
    let at = textOf(a, row);
    let end = at + lengthIn(a, row);
    while (at < end && load<u8>(at) == 0x20) at++;
    while (end > at && load<u8>(end - 1) == 0x20) end--;
    setText(to, row, at, <u32>(end - at));
  }
}

/** Numbers of characters. */
export function lengths(to: usize, a: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasText(to, a, row)) continue;
    const at = textOf(a, row);
    const end = at + lengthIn(a, row);
    let count: i64 = 0;
    for (let byte = at; byte < end; byte++) count += (load<u8>(byte) & 0xc0) != 0x80 ? 1 : 0;
    setNumber(to, row, count, 0);
  }
}

/** Characters [from, end), counted from 0. */
export function parts(to: usize, a: usize, from: u32, end: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasText(to, a, row)) continue;
    let at = textOf(a, row);
    const last = at + lengthIn(a, row);
    let place: u32 = 0;
    for (; place < from && at < last; place++) at += characterBytes(load<u8>(at));
    const start = at;
    for (; place < end && at < last; place++) at += characterBytes(load<u8>(at));
    setText(to, row, start, <u32>(at - start));
  }
}

/** One behind the other; null is an empty text. */
export function joined(to: usize, a: usize, b: usize): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    const kindA = kindOf(a, row);
    const kindB = kindOf(b, row);
    const lengthA = kindA == text ? lengthIn(a, row) : 0;
    const lengthB = kindB == text ? lengthIn(b, row) : 0;
    const areTexts = (kindA == text || kindA == none) && (kindB == text || kindB == none);
    if (!areTexts || !hasMadeRoom(lengthA + lengthB)) {
      setOdd(to, row);
      continue;
    }
    if (lengthA > 0) memory.copy(madeAt, textOf(a, row), lengthA);
    if (lengthB > 0) memory.copy(madeAt + lengthA, textOf(b, row), lengthB);
    takeMade(to, row, madeAt + lengthA + lengthB);
  }
}
