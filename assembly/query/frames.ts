/** Rows on their way to a sort, as frames: the length of the key u32, that of the line u32, the
 *  key, the line. What is written is what `src/worker/operators/sort.ts` writes.
 *
 *  Beside them is where each row is in the input and where its frame is, u32 each: rows that the
 *  host reads come between those before and behind them. */
import { tagArray, tagNull, tagNumber, tagText, writeDouble } from "../groups/count";
import { power } from "../groups/numbers";
import { fieldAt, kindShift, rowBytes, rowsAt, rowsMax } from "../groups/rows";
import { find, isNew, keyMaxBytes, take } from "../groups/table";
import { allocate, copyWord } from "../space";
import { passRow } from "./group";
import {
  digitsOf,
  isOdd,
  kindOf,
  lengthIn,
  none,
  number,
  registerOf,
  rowAt,
  scaleIn,
  selected,
  text,
  textOf,
} from "./registers";

const framesBytes: u32 = 4 * 1024 * 1024;
/** With less room than this the host takes what there is. */
const leastBytes: u32 = 1024 * 1024;
const marksMax: u32 = 64 * 1024;
const outputShift: usize = 4;
const quote: u8 = 0x22;
const comma: u8 = 0x2c;
const carriageReturn: u8 = 13;

let frames: usize = 0;
let framesEnd: usize = 0;
let marks: usize = 0;
let markCount: u32 = 0;
let keys: usize = 0;
let keyCount: u32 = 0;
/** Of each cell of a line: its column, where its name in JSON is and how long that is. */
let outputs: usize = 0;
let outputCount: u32 = 0;
/** Of the names together. */
let namesBytes: u32 = 0;
/** Where in a row each column is, u32. */
let columnFields: usize = 0;
let isCsv: bool = false;
/** Of rows with equal keys only the first becomes a frame. */
let isUnique: bool = false;

/** `keys`: registers u32. `setOutput` says what a line has. */
export function startFrames(
  columnFields_: usize, keys_: usize, keyCount_: u32, outputs_: u32, isCsv_: bool, isUnique_: bool,
): void {
  isUnique = isUnique_;
  columnFields = columnFields_;
  namesBytes = 0;
  keys = keys_;
  keyCount = keyCount_;
  outputCount = outputs_;
  outputs = allocate((outputs_ + 1) << outputShift);
  isCsv = isCsv_;
  frames = allocate(framesBytes + 64);
  marks = allocate(marksMax * 8);
  clearFrames();
}

export function setOutputAt(output: u32, column: u32, name: usize, length: u32): void {
  const to = outputs + (<usize>output << outputShift);
  store<u32>(to, column);
  store<u32>(to, <u32>name, 4);
  store<u32>(to, length, 8);
  namesBytes += length;
}

/** The field of a row that is a cell of its line. */
// @ts-ignore: decorator
@inline
function cellOf(row: u32, output: usize): usize {
  return fieldAt(row, load<u32>(columnFields + (load<u32>(output) << 2)));
}

export function clearFrames(): void {
  framesEnd = frames;
  markCount = 0;
}

/** No room for what a full list of rows could add. */
export function areFramesFull(): bool {
  if (frames == 0) return false;
  return framesEnd - frames > framesBytes - leastBytes || markCount + rowsMax > marksMax;
}

export function framesAt(): usize {
  return frames;
}

export function framesSize(): u32 {
  return <u32>(framesEnd - frames);
}

export function marksAt(): usize {
  return marks;
}

export function marksCount(): u32 {
  return markCount;
}

export function frameRows(): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (isOdd(row) || !frameRow(row)) passRow(row);
  }
}

/** False when the row is the host's. */
function frameRow(row: u32): bool {
  if (isUnique && hasCome(row)) return true;
  const from = rowsAt + row * rowBytes;
  const start = <usize>load<u32>(from);
  const behind = <usize>load<u32>(from, 4);
  // A quote is written as two.
  let most = 2 * <u32>(behind - start) + namesBytes + 8 * outputCount + 64;
  for (let i: u32 = 0; i < keyCount; i++) {
    const register = registerOf(load<u32>(keys + (i << 2)));
    most += 16 + (kindOf(register, row) == text ? lengthIn(register, row) : 0);
  }
  if (framesEnd + most > frames + framesBytes) return false;
  const key = framesEnd + 8;
  const line = writeKey(key, row);
  if (line == 0) return false;
  if (isUnique && !isFirst(key, line)) return true;
  let end = isCsv ? copyRow(line, row, start, behind) : 0;
  if (end == 0) end = isCsv ? writeCsv(line, row) : writeJson(line, row);
  if (end == 0) return false;
  store<u32>(framesEnd, <u32>(line - key));
  store<u32>(framesEnd, <u32>(end - line), 4);
  const mark = marks + (<usize>markCount << 3);
  markCount++;
  store<u32>(mark, <u32>start);
  store<u32>(mark, <u32>(framesEnd - frames), 4);
  framesEnd = end;
  return true;
}

/** Looks for a key that is one text where it lies: most rows of few keys need no more. */
function hasCome(row: u32): bool {
  if (keyCount != 1) return false;
  const register = registerOf(load<u32>(keys));
  const length = lengthIn(register, row);
  if (kindOf(register, row) != text || length > keyMaxBytes) return false;
  find(tagText, textOf(register, row), length);
  return !isNew;
}

/** Whether no row before had the key [key, end). Too long to be looked for, it is taken for new. */
function isFirst(key: usize, end: usize): bool {
  const length = <u32>(end - key) - 1;
  if (length > keyMaxBytes) return true;
  const tag = load<u8>(key);
  const slot = find(tag, key + 1, length);
  if (isNew) take(slot, tag, key + 1, length);
  return isNew;
}

/** As `wire/block/key.ts`; answers where it ends, 0 = a cell is no part of a key. */
function writeKey(to: usize, row: u32): usize {
  const isArray = keyCount != 1;
  if (isArray) store<u8>(to++, <u8>tagArray);
  for (let i: u32 = 0; i < keyCount; i++) {
    const register = registerOf(load<u32>(keys + (i << 2)));
    const kind = kindOf(register, row);
    if (kind == text) {
      const length = lengthIn(register, row);
      store<u8>(to++, <u8>tagText);
      copyWord(to, textOf(register, row), length);
      to += length;
      if (isArray) {
        store<u16>(to, 0x0100);
        to += 2;
      }
    } else if (kind == number) {
      store<u8>(to++, <u8>tagNumber);
      writeDouble(to, <f64>digitsOf(register, row) / <f64>power(scaleIn(register, row)));
      to += 8;
    } else if (kind == none) store<u8>(to++, <u8>tagNull);
    else return 0;
  }
  if (isArray) store<u8>(to++, 0);
  return to;
}

/** A row [start, behind) whose line is what it is already: all its cells in their order, none of
 *  them empty or in quotes. 0 = it is none. */
function copyRow(to: usize, row: u32, start: usize, behind: usize): usize {
  let at = start;
  for (let i: u32 = 0; i < outputCount; i++) {
    const cell = cellOf(row, outputs + (<usize>i << outputShift));
    const length = load<u32>(cell, 4);
    if (<usize>load<u32>(cell) != at || length == 0 || length >> kindShift != text) return 0;
    at += <usize>length;
    if (i + 1 < outputCount && load<u8>(at++) != comma) return 0;
  }
  // A return may be part of the row's end.
  if (at + 1 != behind && (at + 2 != behind || load<u8>(at) != carriageReturn)) return 0;
  const quotes = i8x16.splat(quote);
  const returns = i8x16.splat(carriageReturn);
  const shift = to - start;
  for (let from = start; from < at; from += 16) {
    const bytes = v128.load(from);
    v128.store(from + shift, bytes);
    const special = v128.or(i8x16.eq(bytes, quotes), i8x16.eq(bytes, returns));
    if (!v128.any_true(special)) continue;
    if (from + <usize>ctz(i8x16.bitmask(special)) < at) return 0;
  }
  store<u8>(at + shift, 10);
  return at + shift + 1;
}

function writeCsv(to: usize, row: u32): usize {
  for (let i: u32 = 0; i < outputCount; i++) {
    const cell = cellOf(row, outputs + (<usize>i << outputShift));
    const length = load<u32>(cell, 4);
    if (length >> kindShift != text) return 0;
    const at = <usize>load<u32>(cell);
    if (length == 0 || isSpecial(at, length)) {
      store<u8>(to++, quote);
      for (let byte = at; byte < at + length; byte++) {
        if (load<u8>(byte) == quote) store<u8>(to++, quote);
        store<u8>(to++, load<u8>(byte));
      }
      store<u8>(to++, quote);
    } else {
      copyWord(to, at, length);
      to += length;
    }
    store<u8>(to++, comma);
  }
  store<u8>(to - 1, 10);
  return to;
}

/** Whether there is a quote, a comma, or the end of a line. */
function isSpecial(at: usize, length: u32): bool {
  const end = at + length;
  for (let from = at; from < end; from += 16) {
    const bytes = v128.load(from);
    const ends = v128.or(i8x16.eq(bytes, i8x16.splat(10)), i8x16.eq(bytes, i8x16.splat(13)));
    const marks = v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x2c)));
    const found = <u32>i8x16.bitmask(v128.or(ends, marks));
    if (found != 0 && from + <usize>ctz(found) < end) return true;
  }
  return false;
}

/** An object of texts; 0 = one has a control character, which the host writes. */
function writeJson(to: usize, row: u32): usize {
  store<u8>(to++, 0x7b);
  for (let i: u32 = 0; i < outputCount; i++) {
    const output = outputs + (<usize>i << outputShift);
    const cell = cellOf(row, output);
    const length = load<u32>(cell, 4);
    if (length >> kindShift != text) return 0;
    const nameBytes = load<u32>(output, 8);
    memory.copy(to, load<u32>(output, 4), nameBytes);
    to += nameBytes;
    store<u16>(to, 0x223a);
    to += 2;
    const end = <usize>load<u32>(cell) + length;
    for (let at = <usize>load<u32>(cell); at < end; at++) {
      const byte = load<u8>(at);
      if (byte < 0x20) return 0;
      if (byte == quote || byte == 0x5c) store<u8>(to++, 0x5c);
      store<u8>(to++, byte);
    }
    store<u16>(to, 0x2c22);
    to += 2;
  }
  store<u8>(to - 1, 0x7d);
  store<u8>(to, 10);
  return to + 1;
}
