/** Finds the wanted values of JSON objects, one in a line. All of a line is checked: what is no
 *  JSON is an odd row, and so is what is not certain here (a key with an escape or that comes
 *  twice, an array on the way to a value, a number with an exponent, deep nesting).
 *
 *  Nothing looks for the end of a line first: the newline stops whatever goes on to it.
 *
 *  A name (32 bytes) on the way to wanted values: where it is u32, its length u32, field u32
 *  (`noField` = only names below it are wanted), first name below u32, how many u32, line in which
 *  it came last u32. The first one stands for the whole line. */
import { allocate } from "../space";
import { countRows, isFull as isHostDue } from "./found";
import {
  addOdd,
  addRow,
  hasTextRoom,
  kindFalse,
  kindNull,
  kindNumber,
  kindOther,
  kindText,
  kindTrue,
  setField,
  setTextEnd,
  textEnd,
} from "./rows";

const nameShift: u32 = 5;
const noField: u32 = u32.MAX_VALUE;
const depthMax: u32 = 64;

const digitsMost: usize = 300;

const quote: u32 = 0x22;
const backslash: u32 = 0x5c;
const newline: u32 = 10;

let names: usize = 0;
let fields: u32 = 0;
let line: u32 = 0;

/** Room for so many names with so many bytes; answers where the bytes go. */
export function startJson(fields_: u32, count: u32, nameBytes: u32): usize {
  fields = fields_;
  names = allocate(count << nameShift);
  memory.fill(names, 0, count << nameShift);
  line = 0;
  return allocate(nameBytes + 64);
}

/** `at`: address of its bytes. Those below a name follow each other. */
export function setName(
  name: u32, at: u32, length: u32, field: u32, firstBelow: u32, below: u32,
): void {
  const to = names + (<usize>name << nameShift);
  store<u32>(to, at);
  store<u32>(to, length, 4);
  store<u32>(to, field, 8);
  store<u32>(to, firstBelow, 12);
  store<u32>(to, below, 16);
}

/** As `scanCsv`. */
export function scanJson(from: usize, end: usize): usize {
  let row = from;
  while (row < end) {
    if (!hasTextRoom(lineMaxBytes)) {
      countRows();
      if (isHostDue()) return row;
    }
    for (let field: u32 = 0; field < fields; field++) setField(field, 0, 0, kindNull);
    line++;
    let at = blanks(row);
    let isFull = false;
    if (load<u8>(at) == newline) {
      // A blank line is no record.
      row = at + 1;
      continue;
    }
    let behind: usize = 0;
    if (load<u8>(at) == 0x7b) {
      at = objectEnd(at + 1, names, 0);
      if (at != 0) {
        at = blanks(at);
        if (load<u8>(at) == newline) behind = at + 1;
      }
    }
    if (behind != 0 && behind - row <= lineMaxBytes) isFull = addRow(row, behind);
    else {
      behind = newlineFrom(row) + 1;
      addOdd(row, behind);
    }
    row = behind;
    if (isFull) countRows();
    if (isHostDue()) break;
  }
  countRows();
  return row;
}

/** A longer line is read by the host: its texts might not have room. */
const lineMaxBytes: u32 = 128 * 1024;

function newlineFrom(from: usize): usize {
  let at = from;
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(<u8>newline)));
    if (found != 0) return at + <usize>ctz(found);
    at += 16;
  }
}

// @ts-ignore: decorator
@inline
function blanks(from: usize): usize {
  let at = from;
  while (load<u8>(at) <= 0x20) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 9 && byte != 13) break;
    at++;
  }
  return at;
}

/** Behind an object whose `{` is before `from`; 0 = none. `name`: what it is the value of, 0 =
 *  nothing in it is wanted. */
function objectEnd(from: usize, name: usize, depth: u32): usize {
  if (depth > depthMax) return 0;
  let at = blanks(from);
  if (load<u8>(at) == 0x7d) return at + 1;
  const below = name == 0 ? 0 : load<u32>(name, 16);
  const first = name == 0 ? 0 : names + (<usize>load<u32>(name, 12) << nameShift);
  while (true) {
    if (load<u8>(at) != quote) return 0;
    const key = at + 1;
    const close = stopOf(key);
    // Keys are compared as they are written.
    if (load<u8>(close) != quote) return below == 0 ? escapedKeyEnd(at, depth) : 0;
    at = blanks(close + 1);
    if (load<u8>(at) != 0x3a) return 0;
    at = blanks(at + 1);
    const wanted = below == 0 ? 0 : nameOf(key, <u32>(close - key), first, below);
    at = wanted == 0 ? valueEnd(at, depth) : wantedEnd(at, wanted, depth);
    if (at == 0) return 0;
    at = blanks(at);
    const next = load<u8>(at);
    if (next == 0x7d) return at + 1;
    if (next != 0x2c) return 0;
    at = blanks(at + 1);
  }
}

/** Of an object with nothing wanted, from a key on that has an escape. */
function escapedKeyEnd(from: usize, depth: u32): usize {
  let at = from;
  while (true) {
    if (load<u8>(at) != quote) return 0;
    at = textEndOf(at + 1);
    if (at == 0) return 0;
    at = blanks(at);
    if (load<u8>(at) != 0x3a) return 0;
    at = valueEnd(blanks(at + 1), depth);
    if (at == 0) return 0;
    at = blanks(at);
    const next = load<u8>(at);
    if (next == 0x7d) return at + 1;
    if (next != 0x2c) return 0;
    at = blanks(at + 1);
  }
}

/** Which of the names a key is; 0 = none. */
function nameOf(key: usize, length: u32, first: usize, count: u32): usize {
  const end = first + (<usize>count << nameShift);
  for (let name = first; name < end; name += 1 << nameShift) {
    if (load<u32>(name, 4) != length) continue;
    const there = <usize>load<u32>(name);
    let i: u32 = 0;
    while (i < length && load<u8>(there + i) == load<u8>(key + i)) i++;
    if (i == length) return name;
  }
  return 0;
}

/** Behind a value that is, or has in it, what is wanted. */
function wantedEnd(at: usize, name: usize, depth: u32): usize {
  // The last of two would count.
  if (load<u32>(name, 20) == line) return 0;
  store<u32>(name, line, 20);
  const field = load<u32>(name, 8);
  const byte = load<u8>(at);
  if (field == noField) {
    if (byte == 0x7b) return objectEnd(at + 1, name, depth + 1);
    // Names may be places in it.
    return byte == 0x5b ? 0 : valueEnd(at, depth);
  }
  if (load<u32>(name, 16) > 0 && (byte == 0x7b || byte == 0x5b)) return 0;
  if (byte == quote) return wantedText(at + 1, field);
  const end = valueEnd(at, depth);
  if (end == 0) return 0;
  let kind = kindOther;
  if (byte == 0x6e) kind = kindNull;
  else if (byte == 0x74) kind = kindTrue;
  else if (byte == 0x66) kind = kindFalse;
  else if (byte != 0x7b && byte != 0x5b) kind = kindNumber;
  setField(field, at, kind == kindNumber ? <u32>(end - at) : 0, kind);
  return end;
}

function wantedText(from: usize, field: u32): usize {
  const close = stopOf(from);
  if (load<u8>(close) == quote) {
    setField(field, from, <u32>(close - from), kindText);
    return close + 1;
  }
  const behind = textEndOf(close);
  if (behind == 0 || !hasTextRoom(<u32>(behind - from))) return 0;
  const text = textEnd;
  const end = unescaped(from, behind - 1, text);
  if (end == 0) return 0;
  setTextEnd(end);
  setField(field, text, <u32>(end - text), kindText);
  return behind;
}

/** The first quote, backslash or control character. */
// @ts-ignore: decorator
@inline
function stopOf(from: usize): usize {
  let at = from;
  while (true) {
    const bytes = v128.load(at);
    const quotes = i8x16.eq(bytes, i8x16.splat(<u8>quote));
    const slashes = i8x16.eq(bytes, i8x16.splat(<u8>backslash));
    const controls = i8x16.lt_u(bytes, i8x16.splat(0x20));
    const found = i8x16.bitmask(v128.or(v128.or(quotes, slashes), controls));
    if (found != 0) return at + <usize>ctz(found);
    at += 16;
  }
}

/** Behind a text whose `"` is before `from`; 0 = none. */
function textEndOf(from: usize): usize {
  let at = from;
  while (true) {
    at = stopOf(at);
    const byte = load<u8>(at);
    if (byte == quote) return at + 1;
    if (byte != backslash) return 0;
    const letter = <u32>load<u8>(at + 1);
    if (letter == 0x75) {
      if (hexAt(at + 2) < 0) return 0;
      at += 6;
    } else {
      if (escapeOf(letter) == 0) return 0;
      at += 2;
    }
  }
}

function escapeOf(letter: u32): u32 {
  if (letter == quote || letter == backslash || letter == 0x2f) return letter;
  if (letter == 0x6e) return 10;
  if (letter == 0x74) return 9;
  if (letter == 0x72) return 13;
  if (letter == 0x62) return 8;
  return letter == 0x66 ? 12 : 0;
}

/** Four hex digits, −1 = something else. */
function hexAt(at: usize): i32 {
  let value: i32 = 0;
  for (let i: usize = 0; i < 4; i++) {
    const byte = <i32>load<u8>(at + i);
    const letter = (byte | 0x20) - 0x61;
    if (byte >= 0x30 && byte <= 0x39) value = (value << 4) | (byte - 0x30);
    else if (letter >= 0 && letter < 6) value = (value << 4) | (letter + 10);
    else return -1;
  }
  return value;
}

/** Writes a text that was checked; answers where it ends, 0 when it has half a character, or
 *  U+0000, which texts of keys do not have. */
function unescaped(from: usize, end: usize, to: usize): usize {
  let at = from;
  while (at < end) {
    const byte = load<u8>(at);
    if (byte != backslash) {
      store<u8>(to++, byte);
      at++;
      continue;
    }
    const letter = <u32>load<u8>(at + 1);
    if (letter != 0x75) {
      store<u8>(to++, <u8>escapeOf(letter));
      at += 2;
      continue;
    }
    let point = <u32>hexAt(at + 2);
    at += 6;
    if (point >> 11 == 0x1b) {
      const isPair = point < 0xdc00 && load<u16>(at) == 0x755c && at + 6 <= end;
      const low = isPair ? <u32>hexAt(at + 2) : 0;
      if (low >> 10 != 0x37) return 0;
      point = 0x10000 + ((point & 0x3ff) << 10) + (low & 0x3ff);
      at += 6;
    }
    if (point == 0) return 0;
    to = writePoint(to, point);
  }
  return to;
}

function writePoint(to: usize, point: u32): usize {
  if (point < 0x80) {
    store<u8>(to, <u8>point);
    return to + 1;
  }
  if (point < 0x800) {
    store<u8>(to, <u8>(0xc0 | (point >> 6)));
    store<u8>(to, <u8>(0x80 | (point & 0x3f)), 1);
    return to + 2;
  }
  if (point < 0x10000) {
    store<u8>(to, <u8>(0xe0 | (point >> 12)));
    store<u8>(to, <u8>(0x80 | ((point >> 6) & 0x3f)), 1);
    store<u8>(to, <u8>(0x80 | (point & 0x3f)), 2);
    return to + 3;
  }
  store<u8>(to, <u8>(0xf0 | (point >> 18)));
  store<u8>(to, <u8>(0x80 | ((point >> 12) & 0x3f)), 1);
  store<u8>(to, <u8>(0x80 | ((point >> 6) & 0x3f)), 2);
  store<u8>(to, <u8>(0x80 | (point & 0x3f)), 3);
  return to + 4;
}

/** Behind any value; 0 = none. */
function valueEnd(at: usize, depth: u32): usize {
  const byte = <u32>load<u8>(at);
  if (byte == quote) {
    const close = stopOf(at + 1);
    return load<u8>(close) == quote ? close + 1 : textEndOf(close);
  }
  if (byte == 0x2d || byte - 0x30 < 10) return numberEnd(at);
  if (byte == 0x7b) return objectEnd(at + 1, 0, depth + 1);
  if (byte == 0x5b) return arrayEnd(at + 1, depth + 1);
  if (load<u32>(at) == 0x65757274 || load<u32>(at) == 0x6c6c756e) return at + 4;
  return load<u32>(at) == 0x736c6166 && load<u8>(at, 4) == 0x65 ? at + 5 : 0;
}

function arrayEnd(from: usize, depth: u32): usize {
  if (depth > depthMax) return 0;
  let at = blanks(from);
  if (load<u8>(at) == 0x5d) return at + 1;
  while (true) {
    at = valueEnd(at, depth);
    if (at == 0) return 0;
    at = blanks(at);
    const next = load<u8>(at);
    if (next == 0x5d) return at + 1;
    if (next != 0x2c) return 0;
    at = blanks(at + 1);
  }
}

function numberEnd(from: usize): usize {
  let at = load<u8>(from) == 0x2d ? from + 1 : from;
  if (load<u8>(at) == 0x30) at++;
  else {
    at = digitsEnd(at);
    if (at == 0) return 0;
  }
  if (load<u8>(at) == 0x2e) {
    at = digitsEnd(at + 1);
    if (at == 0) return 0;
  }
  // What may be beyond all doubles is for the host to judge.
  if ((load<u8>(at) | 0x20) == 0x65) return 0;
  return at - from > digitsMost ? 0 : at;
}

/** 0 = not one digit. */
function digitsEnd(from: usize): usize {
  let at = from;
  while (<u32>load<u8>(at) - 0x30 < 10) at++;
  return at == from ? 0 : at;
}
