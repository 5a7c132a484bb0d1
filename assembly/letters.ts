/** Which characters words are made of, and cutting what is not known yet into words. */
import { found } from "./found";
import { allocate } from "./space";

/** Answers 256 bits, of a page of code points: which are letters, marks or numbers. Only the engine
 *  knows, so the host asks its regular expressions, and writes them at `at`. */
// @ts-ignore: decorator
@external("letters", "learn")
declare function learn(page: u32, at: usize): void;

const pages: u32 = 0x1100;
let known: usize = 0;
let bits: usize = 0;
export let fold: bool = false;
/** A word in small letters. */
let small: usize = 0;
let smallSize: u32 = 0;

export function setFold(lowercase: bool): void {
  fold = lowercase;
  known = allocate(pages);
  bits = allocate(<usize>pages * 32);
  smallSize = 1024 * 1024;
  small = allocate(smallSize + 64);
}

function isWordPoint(point: u32): bool {
  const page = point >> 8;
  const at = bits + (<usize>page << 5);
  if (load<u8>(known + page) == 0) {
    learn(page, at);
    store<u8>(known + page, 1);
  }
  return ((load<u8>(at + ((point & 0xff) >> 3)) >> <u8>(point & 7)) & 1) != 0;
}

/** The word character whose UTF-8 starts at `at`: its bytes, or minus the bytes of any other
 *  character. What is not UTF-8 is skipped byte by byte. */
function characterAt(at: usize): i32 {
  const lead = <u32>load<u8>(at);
  if (lead < 0x80) return isAsciiWord(lead) ? 1 : -1;
  const second = <u32>load<u8>(at, 1) ^ 0x80;
  if (lead < 0xc2 || lead > 0xf4 || second > 0x3f) return -1;
  if (lead < 0xe0) return isWordPoint(((lead & 0x1f) << 6) | second) ? 2 : -2;
  const third = <u32>load<u8>(at, 2) ^ 0x80;
  if (third > 0x3f) return -1;
  if (lead < 0xf0) {
    const point = ((lead & 0xf) << 12) | (second << 6) | third;
    if (point < 0x800 || (point >= 0xd800 && point < 0xe000)) return -1;
    return isWordPoint(point) ? 3 : -3;
  }
  const fourth = <u32>load<u8>(at, 3) ^ 0x80;
  const point = ((lead & 7) << 18) | (second << 12) | (third << 6) | fourth;
  if (fourth > 0x3f || point < 0x10000 || point >= 0x110000) return -1;
  return isWordPoint(point) ? 4 : -4;
}

// @ts-ignore: decorator
@inline
function isAsciiWord(byte: u32): bool {
  return (byte | 0x20) - 0x61 < 26 || byte - 0x30 < 10;
}

/** Finds the words of the run [from, end): an ASCII separator is behind it. */
export function cutRun(from: usize, end: usize): void {
  let at = from;
  while (at < end) {
    const size = characterAt(at);
    if (size < 0) {
      at -= <usize>(<isize>size);
      continue;
    }
    const stop = wordEnd(at + <usize>size);
    foundWord(at, <u32>(stop - at));
    at = stop;
  }
}

/** Where the word ends of which `at` is not the first character. */
function wordEnd(from: usize): usize {
  let at = from;
  while (true) {
    const next = at + apostropheBytes(at);
    const size = characterAt(next);
    if (size < 0) return at;
    at = next + <usize>size;
  }
}

function apostropheBytes(at: usize): usize {
  if (load<u8>(at) == 0x27) return 1;
  // U+2019, the typographic one.
  return load<u16>(at) == 0x80e2 && load<u8>(at, 2) == 0x99 ? 3 : 0;
}

/** ASCII words become small letters here; of all others only the engine knows them. */
function foundWord(at: usize, length: u32): void {
  if (!fold || !isAscii(at, length)) {
    found(at, length, at);
    return;
  }
  for (let i: u32 = 0; i < length; i++) store<u8>(small + i, load<u8>(at + i) | 0x20);
  found(small, length, at);
}

function isAscii(at: usize, length: u32): bool {
  let all: u8 = 0;
  for (let i: u32 = 0; i < length; i++) all |= load<u8>(at + i);
  return all < 0x80;
}

/** Whether `toLowerCase` certainly leaves a word as it is. True of ASCII words in the tables, of
 *  the small letters from U+00DF to U+00FF among small ASCII ones, and of the scripts from U+3000
 *  to U+9FFF, which have no case. */
export function isSmall(at: usize, length: u32): bool {
  const end = at + length;
  while (at < end) {
    const lead = <u32>load<u8>(at);
    if (lead < 0x80) {
      if (lead - 0x41 < 26) return false;
      at++;
    } else if (lead == 0xc3) {
      if (load<u8>(at, 1) < 0x9f) return false;
      at += 2;
    } else if (lead >= 0xe3 && lead <= 0xe9) at += 3;
    else return false;
  }
  return true;
}
