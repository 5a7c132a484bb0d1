/** Finds the wanted parts of lines by a pattern that is followed without ever going back: see
 *  `src/worker/kernels/groups/line-pattern.ts`, which makes it.
 *
 *  A step: what u32, of which field or class u32. A class: 256 bytes, one for each byte: 0 = none
 *  of it, 1 = of it, 2 = only the host knows. */
import { allocate } from "../space";
import { countRows, isFull as isHostDue } from "./found";
import { addOdd, addRow, kindText, rowsEnd, setField } from "./rows";

const stepField: u32 = 0;
const stepFieldEnd: u32 = 1;
const stepOne: u32 = 2;
const stepSome: u32 = 3;
const stepAny: u32 = 4;
const stepMaybe: u32 = 5;
const stepEnd: u32 = 6;

const newline: u8 = 10;
const carriageReturn: u32 = 13;

let steps: usize = 0;
let stepsEnd: usize = 0;
let classes: usize = 0;
/** The line at hand has a byte that only the host knows. */
let isOdd: bool = false;

/** Room for steps and classes; answers where they go, the steps first. */
export function startLines(stepCount: u32, classCount: u32): usize {
  steps = allocate(stepCount * 8 + classCount * 256);
  stepsEnd = steps + stepCount * 8;
  classes = stepsEnd;
  return steps;
}

/** As `scanCsv`. */
export function scanLines(from: usize, end: usize): usize {
  let row = from;
  while (row < end) {
    const behind = newlineFrom(row) + 1;
    const isReturned = behind - row > 1 && load<u8>(behind - 2) == carriageReturn;
    isOdd = false;
    const isMatch = follows(row, isReturned ? behind - 2 : behind - 1);
    let isFull = false;
    if (isOdd) addOdd(row, behind);
    else if (isMatch) isFull = addRow(row, behind);
    row = behind;
    if (isFull) countRows();
    if (isHostDue()) break;
  }
  countRows();
  return row;
}

// @ts-ignore: decorator
@inline
function newlineFrom(from: usize): usize {
  let at = from;
  while (true) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), i8x16.splat(newline)));
    if (found != 0) return at + <usize>ctz(found);
    at += 16;
  }
}

/** Whether the line [from, end) starts as the pattern says; its fields are noted then. */
function follows(from: usize, end: usize): bool {
  let at = from;
  for (let step = steps; step < stepsEnd; step += 8) {
    const what = load<u32>(step);
    const which = load<u32>(step, 4);
    if (what == stepField) {
      setField(which, at, 0, kindText);
      continue;
    }
    if (what == stepFieldEnd) {
      const field = rowsEnd + 8 + (<usize>which << 3);
      store<u32>(field, <u32>at - load<u32>(field), 4);
      continue;
    }
    if (what == stepEnd) {
      if (at != end) return false;
      continue;
    }
    const set = classes + (<usize>which << 8);
    const start = at;
    if (what == stepSome || what == stepAny) {
      while (at < end && load<u8>(set + load<u8>(at)) == 1) at++;
    } else if (at < end && load<u8>(set + load<u8>(at)) == 1) at++;
    const isOver = at > start && (what == stepOne || what == stepMaybe);
    if (!isOver && at < end && load<u8>(set + load<u8>(at)) == 2) {
      isOdd = true;
      return false;
    }
    if (at == start && (what == stepOne || what == stepSome)) return false;
  }
  return true;
}
