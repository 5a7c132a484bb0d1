/** Finds the wanted fields of CSV rows: 64 bytes become a mask of separators and newlines, and the
 *  mask is walked. Rows with quotes are read once more, byte by byte. */
import { allocate } from "../space";
import {
  addOdd,
  addRow,
  hasTextRoom,
  kindText,
  rowsEnd,
  setField,
  setTextEnd,
  textEnd,
} from "./rows";
import { countRows, isFull as isHostDue } from "./found";

const newline: u32 = 10;
const carriageReturn: u32 = 13;
const quote: u32 = 0x22;

let separator: u8 = 0x2c;
/** Fields that a row has. */
let width: u32 = 0;
/** Rows may go over several lines. */
let isMultiline: bool = false;
/** The line at which the last scan stopped may be the start of such a row. */
export let isOpen: bool = false;
/** Columns that are wanted, in ascending order, and one that there is not. */
let columns: usize = 0;

export function startCsv(fields: u32): void {
  columns = allocate((fields + 1) * 4);
}

export function setCsv(separator_: u32, width_: u32, isMultiline_: bool): void {
  separator = <u8>separator_;
  width = width_;
  isMultiline = isMultiline_;
}

export function setColumn(field: u32, column: u32): void {
  store<u32>(columns + (field << 2), column);
  store<u32>(columns + (field << 2), u32.MAX_VALUE, 4);
}

// @ts-ignore: decorator
@inline
function maskOf(at: usize, byte: v128): u64 {
  const a = <u64>i8x16.bitmask(i8x16.eq(v128.load(at), byte));
  const b = <u64>i8x16.bitmask(i8x16.eq(v128.load(at, 16), byte));
  const c = <u64>i8x16.bitmask(i8x16.eq(v128.load(at, 32), byte));
  const d = <u64>i8x16.bitmask(i8x16.eq(v128.load(at, 48), byte));
  return a | (b << 16) | (c << 32) | (d << 48);
}

/** Reads the lines of [from, end), the last byte of which is a newline; answers where it stopped,
 *  at the start of a line: since there was no room for more odd rows, or it `isOpen`. */
export function scanCsv(from: usize, end: usize): usize {
  const separators = i8x16.splat(separator);
  const newlines = i8x16.splat(<u8>newline);
  const quotes = i8x16.splat(<u8>quote);
  let row = from;
  let field = from;
  let column: u32 = 0;
  let wanted: u32 = 0;
  let wantedColumn = load<u32>(columns);
  let quoted: u64 = 0;
  isOpen = false;
  for (let block = from; block < end; block += 64) {
    const ends = maskOf(block, newlines);
    let marks = maskOf(block, separators) | ends;
    let quotesHere = maskOf(block, quotes);
    if (end - block < 64) marks &= ((<u64>1) << (end - block)) - 1;
    while (marks != 0) {
      const bit = ctz(marks);
      const at = block + <usize>bit;
      marks &= marks - 1;
      if (column == wantedColumn) {
        setField(wanted, field, <u32>(at - field), kindText);
        wantedColumn = load<u32>(columns + (++wanted << 2));
      }
      field = at + 1;
      if (((ends >> bit) & 1) == 0) {
        column++;
        continue;
      }
      const below = ((<u64>1) << bit) - 1;
      quoted |= quotesHere & below;
      quotesHere &= ~below;
      let isFull = false;
      if (quoted != 0) {
        isFull = quotedRow(row, at);
        quoted = 0;
        if (isOpen) {
          countRows();
          return row;
        }
      } else if (at - row < 2 && isBlank(row, at)) {
        // An empty line is no record.
      } else if (column + 1 != width) {
        addOdd(row, field);
      } else {
        if (load<u8>(at - 1) == carriageReturn) cutReturn(wanted, at);
        isFull = addRow(row, field);
      }
      row = field;
      column = 0;
      wanted = 0;
      wantedColumn = load<u32>(columns);
      if (isFull) {
        countRows();
        if (isHostDue()) return row;
      }
    }
    quoted |= quotesHere;
  }
  countRows();
  return row;
}

function isBlank(row: usize, end: usize): bool {
  return row == end || load<u8>(row) == carriageReturn;
}

/** The last field ends before the return. */
function cutReturn(wanted: u32, end: usize): void {
  if (wanted == 0) return;
  const last = rowsEnd + 8 + ((wanted - 1) << 3);
  const length = load<u32>(last, 4);
  if (<usize>load<u32>(last) + <usize>length == end) store<u32>(last, length - 1, 4);
}

/** Reads the row [row, newline) that has quotes; whether the list of rows is full then. */
function quotedRow(row: usize, newlineAt: usize): bool {
  const behind = newlineAt + 1;
  const end = load<u8>(newlineAt - 1) == carriageReturn ? newlineAt - 1 : newlineAt;
  if (!hasTextRoom(<u32>(end - row))) countRows();
  if (!hasTextRoom(<u32>(end - row)) || !quotedFields(row, end)) {
    isOpen = isMultiline;
    if (isOpen) return false;
    addOdd(row, behind);
    return isHostDue();
  }
  return addRow(row, behind);
}

/** False when its quotes are not in order, or it has not as many fields as it must. */
function quotedFields(row: usize, end: usize): bool {
  let wanted: u32 = 0;
  let column: u32 = 0;
  let at = row;
  while (true) {
    const isWanted = load<u32>(columns + (wanted << 2)) == column;
    let field = at;
    let stop = at;
    if (at < end && load<u8>(at) == quote) {
      field = at + 1;
      at = closing(field, end);
      if (at == 0) return false;
      stop = at++;
      if (isWanted && isDoubled(field, stop)) {
        const from = textEnd;
        setTextEnd(undoubled(field, stop, from));
        setField(wanted++, from, <u32>(textEnd - from), kindText);
        if (at == end) return column + 1 == width;
        if (load<u8>(at++) != separator) return false;
        column++;
        continue;
      }
    } else {
      while (at < end && load<u8>(at) != separator) {
        if (load<u8>(at++) == quote) return false;
      }
      stop = at;
    }
    if (isWanted) setField(wanted++, field, <u32>(stop - field), kindText);
    if (at == end) return column + 1 == width;
    if (load<u8>(at++) != separator) return false;
    column++;
  }
}

/** Where the quote is that closes a field, 0 when there is none. */
function closing(from: usize, end: usize): usize {
  for (let at = from; at < end; at++) {
    if (load<u8>(at) != quote) continue;
    if (at + 1 == end || load<u8>(at + 1) != quote) return at;
    at++;
  }
  return 0;
}

function isDoubled(from: usize, end: usize): bool {
  for (let at = from; at < end; at++) if (load<u8>(at) == quote) return true;
  return false;
}

/** Writes a field with each pair of quotes as one; answers where it ends. */
function undoubled(from: usize, end: usize, to: usize): usize {
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    store<u8>(to++, byte);
    if (byte == quote) at++;
  }
  return to;
}
