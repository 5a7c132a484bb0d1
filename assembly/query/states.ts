/** What is kept of a group: a state of 16 bytes for each aggregate.
 *
 *  | state | bytes |
 *  | --- | --- |
 *  | count, digits of a sum or of the best number i64 | 8 |
 *  | instead, of the best text: where it is u32, its length u32 | |
 *  | decimals of the number | 1 |
 *  | whether there was any value | 1 |
 *  | numbers in an average, or room of the best text u32 | 4, from byte 12 |
 */
import { power, raise, sumMax } from "../groups/numbers";
import { writeNumber, writeSum, writeVarint } from "../groups/values";
import { allocateKey } from "../groups/table";
import {
  digitsOf,
  kindOf,
  lengthIn,
  number,
  registerOf,
  scaleIn,
  text,
  textOf,
} from "./registers";
import { compareScaled, compareTexts, isMissing } from "./values";

/** Kinds of aggregates. Of those from `distinct` on the values are groups of their own. */
export const countAll: u32 = 0;
export const countValues: u32 = 1;
export const sum: u32 = 2;
export const average: u32 = 3;
export const least: u32 = 4;
export const most: u32 = 5;
export const firstText: u32 = 6;
export const lastText: u32 = 7;
export const distinct: u32 = 8;
export const quantile: u32 = 9;

/** Longer texts are the host's. */
export const textMaxBytes: u32 = 4096;
/** Of one state as it is written. */
export const writtenMaxBytes: u32 = textMaxBytes + 16;

const tagNull: u8 = 1;
const tagText: u8 = 6;
const tagArray: u8 = 8;

let specs: usize = 0;
export let aggregates: u32 = 0;

/** `at`: of each aggregate its kind u32 and its register u32. */
export function startStates(at: usize, count: u32): void {
  specs = at;
  aggregates = count;
}

// @ts-ignore: decorator
@inline
export function aggregateKind(i: u32): u32 {
  return load<u32>(specs + (<usize>i << 3));
}

// @ts-ignore: decorator
@inline
export function aggregateOf(i: u32): usize {
  return registerOf(load<u32>(specs + (<usize>i << 3), 4));
}

export function newStates(): usize {
  const at = allocateKey(aggregates << 4);
  memory.fill(at, 0, aggregates << 4);
  return at;
}

/** Whether the texts of the row may be kept. */
export function areShort(row: u32): bool {
  for (let i: u32 = 0; i < aggregates; i++) {
    if (aggregateKind(i) < firstText) continue;
    const register = aggregateOf(i);
    const kind = kindOf(register, row);
    if (kind == text && lengthIn(register, row) > textMaxBytes) return false;
    // An object or a list is compared as it is written.
    if (kind > 4) return false;
  }
  return true;
}

/** Whether no sum becomes too large by the row. */
export function hasRoom(states: usize, row: u32): bool {
  for (let i: u32 = 0; i < aggregates; i++) {
    const kind = aggregateKind(i);
    if (kind != sum && kind != average) continue;
    const register = aggregateOf(i);
    if (kindOf(register, row) != number) continue;
    const state = states + (<usize>i << 4);
    const scale = scaleIn(register, row);
    const there = load<u8>(state, 8);
    let digits = digitsOf(register, row);
    let held = load<i64>(state);
    if (scale < there) {
      if (!raise(digits, there - scale)) return false;
      digits *= power(there - scale);
    } else if (scale > there) {
      if (!raise(held, scale - there)) return false;
      held *= power(scale - there);
    }
    const added = held + digits;
    if (added > sumMax || added < -sumMax) return false;
  }
  return true;
}

/** A row of which `hasRoom` is true. */
export function addRow(states: usize, row: u32): void {
  for (let i: u32 = 0; i < aggregates; i++) {
    const state = states + (<usize>i << 4);
    const kind = aggregateKind(i);
    if (kind == countAll) {
      store<i64>(state, load<i64>(state) + 1);
      continue;
    }
    const register = aggregateOf(i);
    if (isMissing(register, row)) continue;
    if (kind == sum || kind == average) addNumber(state, register, row);
    else if (kind == least || kind == most) compareNumber(state, register, row, kind == least);
    else if (kind == firstText || kind == lastText) {
      compareText(state, register, row, kind == firstText);
    } else store<i64>(state, load<i64>(state) + 1);
  }
}

function addNumber(state: usize, register: usize, row: u32): void {
  const scale = scaleIn(register, row);
  const there = load<u8>(state, 8);
  let digits = digitsOf(register, row);
  let held = load<i64>(state);
  if (scale < there) digits *= power(there - scale);
  else if (scale > there) {
    held *= power(scale - there);
    store<u8>(state, <u8>scale, 8);
  }
  store<i64>(state, held + digits);
  store<u8>(state, 1, 9);
  store<u32>(state, load<u32>(state, 12) + 1, 12);
}

function compareNumber(state: usize, register: usize, row: u32, isLeast: bool): void {
  const digits = digitsOf(register, row);
  const scale = scaleIn(register, row);
  if (load<u8>(state, 9) != 0) {
    const order = compareScaled(digits, scale, load<i64>(state), load<u8>(state, 8));
    if (isLeast ? order >= 0 : order <= 0) return;
  }
  store<i64>(state, digits);
  store<u8>(state, <u8>scale, 8);
  store<u8>(state, 1, 9);
}

function compareText(state: usize, register: usize, row: u32, isFirst: bool): void {
  const at = textOf(register, row);
  const length = lengthIn(register, row);
  if (load<u8>(state, 9) != 0) {
    const order = compareTexts(at, length, load<u32>(state), load<u32>(state, 4));
    if (isFirst ? order >= 0 : order <= 0) return;
  }
  if (length > load<u32>(state, 12)) {
    const room = (length + 15) & ~15;
    store<u32>(state, <u32>allocateKey(room));
    store<u32>(state, room, 12);
  }
  memory.copy(load<u32>(state), at, length);
  store<u32>(state, length, 4);
  store<u8>(state, 1, 9);
}

/** Writes the array of all states, as `operators/query/aggregates.ts` has them; answers where it
 *  ends. */
export function writeStates(at: usize, states: usize): usize {
  store<u8>(at++, tagArray);
  at = writeVarint(at, aggregates);
  for (let i: u32 = 0; i < aggregates; i++) {
    const state = states + (<usize>i << 4);
    const kind = aggregateKind(i);
    const whole = load<i64>(state);
    const scale = <u32>load<u8>(state, 8);
    if (kind <= countValues || kind >= distinct) at = writeNumber(at, <f64>whole);
    else if (load<u8>(state, 9) == 0) store<u8>(at++, tagNull);
    else if (kind == sum) at = writeSum(at, whole, scale);
    else if (kind == average) {
      store<u8>(at++, tagArray);
      store<u8>(at++, 2);
      at = writeNumber(writeSum(at, whole, scale), <f64>load<u32>(state, 12));
    } else if (kind == least || kind == most) at = writeNumber(at, <f64>whole / <f64>power(scale));
    else {
      const length = load<u32>(state, 4);
      store<u8>(at++, tagText);
      at = writeVarint(at, length);
      memory.copy(at, load<u32>(state), length);
      at += length;
    }
  }
  return at;
}
