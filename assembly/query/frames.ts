/** Rows on their way to a sort, as frames: the length of the key u32, that of the line u32, the
 *  key, the line. What is written is what `src/worker/operators/sort.ts` writes.
 *
 *  Beside them is where each row is in the input and where its frame is, u32 each: rows that the
 *  host reads come between those before and behind them. */
import { tagArray, tagNull, tagNumber, tagText, writeDouble } from "../groups/count";
import { power } from "../groups/numbers";
import { rowBytes, rowsAt, rowsMax } from "../groups/rows";
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

let frames: usize = 0;
let framesEnd: usize = 0;
let marks: usize = 0;
let markCount: u32 = 0;
let keys: usize = 0;
let keyCount: u32 = 0;
/** Of each column of a line: its register, where its name in JSON is and how long that is. */
let outputs: usize = 0;
let outputCount: u32 = 0;
let isCsv: bool = false;

/** `keys`: registers u32. `setOutput` says what a line has. */
export function startFrames(keys_: usize, keyCount_: u32, outputs_: u32, isCsv_: bool): void {
  keys = keys_;
  keyCount = keyCount_;
  outputCount = outputs_;
  outputs = allocate((outputs_ + 1) << outputShift);
  isCsv = isCsv_;
  frames = allocate(framesBytes + 64);
  marks = allocate(marksMax * 8);
  clearFrames();
}

export function setOutputAt(output: u32, register: u32, name: usize, length: u32): void {
  const to = outputs + (<usize>output << outputShift);
  store<u32>(to, register);
  store<u32>(to, <u32>name, 4);
  store<u32>(to, length, 8);
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
  let most: u32 = 64;
  for (let i: u32 = 0; i < keyCount; i++) {
    const register = registerOf(load<u32>(keys + (i << 2)));
    most += 16 + (kindOf(register, row) == text ? lengthIn(register, row) : 0);
  }
  for (let i: u32 = 0; i < outputCount; i++) {
    const output = outputs + (<usize>i << outputShift);
    most += 2 * lengthIn(registerOf(load<u32>(output)), row) + load<u32>(output, 8) + 8;
  }
  if (framesEnd + most > frames + framesBytes) return false;
  const key = framesEnd + 8;
  const line = writeKey(key, row);
  if (line == 0) return false;
  const end = isCsv ? writeCsv(line, row) : writeJson(line, row);
  if (end == 0) return false;
  store<u32>(framesEnd, <u32>(line - key));
  store<u32>(framesEnd, <u32>(end - line), 4);
  const mark = marks + (<usize>markCount << 3);
  markCount++;
  store<u32>(mark, load<u32>(rowsAt + row * rowBytes));
  store<u32>(mark, <u32>(framesEnd - frames), 4);
  framesEnd = end;
  return true;
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

function writeCsv(to: usize, row: u32): usize {
  for (let i: u32 = 0; i < outputCount; i++) {
    const register = registerOf(load<u32>(outputs + (<usize>i << outputShift)));
    if (kindOf(register, row) != text) return 0;
    const at = textOf(register, row);
    const length = lengthIn(register, row);
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
    store<u8>(to++, 0x2c);
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
    const register = registerOf(load<u32>(output));
    if (kindOf(register, row) != text) return 0;
    const nameBytes = load<u32>(output, 8);
    memory.copy(to, load<u32>(output, 4), nameBytes);
    to += nameBytes;
    store<u16>(to, 0x223a);
    to += 2;
    const end = textOf(register, row) + lengthIn(register, row);
    for (let at = textOf(register, row); at < end; at++) {
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
