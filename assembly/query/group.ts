/** Groups rows by cells, with a state for each aggregate: what `operators/query/group.ts` emits. */
import {
  tagArray,
  tagFalse,
  tagNull,
  tagNumber,
  tagText,
  tagTrue,
  writeDouble,
} from "../groups/count";
import { power } from "../groups/numbers";
import { addOdd, rowBytes, rowsAt } from "../groups/rows";
import {
  accumulator,
  bytesOf,
  find,
  isNew,
  keyMaxBytes,
  lengthOf,
  markOf,
  setMark,
  tagOf,
  take,
} from "../groups/table";
import { writeNumber, writeVarint } from "../groups/values";
import { partitionOf } from "../sort";
import { allocate, copyWord } from "../space";
import {
  digitsOf,
  isOdd,
  kindOf,
  lengthIn,
  no,
  none,
  number,
  registerOf,
  rowAt,
  scaleIn,
  selected,
  text,
  textOf,
  yes,
} from "./registers";
import {
  addRow,
  aggregateKind,
  aggregateOf,
  aggregates,
  areShort,
  distinct,
  hasRoom,
  newStates,
  textMaxBytes,
  writeStates,
} from "./states";
import { isMissing } from "./values";

/** The value of a slot is how often it has come: it stands for a value of an aggregate. */
const markCount: u32 = 1;
const ofGroup: f64 = -1;

/** Registers of the key, u32 each. */
let keys: usize = 0;
let keyCount: u32 = 0;
/** Values of aggregates follow their groups: see `operators/query/group.ts`. */
let isOrdered: bool = false;
let made: usize = 0;
/** Bytes of the group's own key in `made`, in which it is an element. */
let groupEnd: usize = 0;

let keyTag: u32 = 0;
let keyAt: usize = 0;
let keyLength: u32 = 0;

export function startGroups(at: usize, count: u32, isOrdered_: bool): void {
  keys = at;
  keyCount = count;
  isOrdered = isOrdered_;
  made = allocate(keyMaxBytes + 64);
}

/** Of each row that is wanted: odd ones are the host's. */
export function groupRows(): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (isOdd(row) || !groupRow(row)) passRow(row);
  }
}

/** All rows that are wanted are the host's. */
export function passRows(): void {
  for (let i: u32 = 0; i < selected; i++) passRow(rowAt(i));
}

// @ts-ignore: decorator
@inline
export function passRow(row: u32): void {
  const at = rowsAt + row * rowBytes;
  addOdd(load<u32>(at), load<u32>(at, 4));
}

/** False when the row is odd. */
function groupRow(row: u32): bool {
  if (!areShort(row) || !makeKey(row)) return false;
  const slot = find(keyTag, keyAt, keyLength);
  if (!isNew) {
    const states = load<u32>(slot, accumulator);
    if (!hasRoom(states, row)) return false;
    addRow(states, row);
  } else {
    const taken = take(slot, keyTag, keyAt, keyLength);
    const states = newStates();
    store<u64>(taken, states, accumulator);
    addRow(states, row);
  }
  if (isOrdered) addValues(row);
  return true;
}

/** False when a cell cannot be a key, or it is too long. */
function makeKey(row: u32): bool {
  if (!isOrdered && keyCount == 1) return scalarKey(row, registerOf(load<u32>(keys)));
  keyAt = made;
  if (!isOrdered && keyCount == 0) {
    keyTag = tagNull;
    keyLength = 0;
    return true;
  }
  keyTag = tagArray;
  let to = made;
  if (isOrdered) {
    if (keyCount == 0) store<u8>(to++, <u8>tagNull);
    else if (keyCount > 1) store<u8>(to++, <u8>tagArray);
  }
  for (let key: u32 = 0; key < keyCount; key++) {
    to = writeElement(to, registerOf(load<u32>(keys + (key << 2))), row);
    if (to == 0) return false;
  }
  if (isOrdered) {
    if (keyCount > 1) store<u8>(to++, 0);
    groupEnd = to;
    to = writePlace(to, ofGroup);
  }
  store<u8>(to++, 0);
  keyLength = <u32>(to - made);
  return true;
}

function scalarKey(row: u32, register: usize): bool {
  const kind = kindOf(register, row);
  if (kind == text) {
    keyTag = tagText;
    keyAt = textOf(register, row);
    keyLength = lengthIn(register, row);
    return keyLength <= keyMaxBytes;
  }
  keyAt = made;
  keyLength = 0;
  if (kind == number) {
    keyTag = tagNumber;
    keyLength = 8;
    writeDouble(made, <f64>digitsOf(register, row) / <f64>power(scaleIn(register, row)));
  } else if (kind == none) keyTag = tagNull;
  else if (kind == no) keyTag = tagFalse;
  else if (kind == yes) keyTag = tagTrue;
  else return false;
  return true;
}

function writePlace(to: usize, place: f64): usize {
  store<u8>(to, <u8>tagNumber);
  writeDouble(to + 1, place);
  return to + 9;
}

/** Writes a cell as the element of an array; 0 = it can be none, or there is no room. */
function writeElement(to: usize, register: usize, row: u32): usize {
  const kind = kindOf(register, row);
  if (kind == text) {
    const length = lengthIn(register, row);
    // A value of an aggregate, and what is around it, have room behind it.
    if (<u32>(to - made) + length + textMaxBytes + 64 > keyMaxBytes) return 0;
    store<u8>(to++, <u8>tagText);
    copyWord(to, textOf(register, row), length);
    store<u16>(to + length, 0x0100);
    return to + length + 2;
  }
  if (<u32>(to - made) + textMaxBytes + 64 > keyMaxBytes) return 0;
  if (kind == number) {
    const double = <f64>digitsOf(register, row) / <f64>power(scaleIn(register, row));
    return writePlace(to, double);
  }
  if (kind < none || kind > yes) return 0;
  store<u8>(to, <u8>(kind == none ? tagNull : kind == yes ? tagTrue : tagFalse));
  return to + 1;
}

/** Counts the values of the row, of which `areShort` is true. */
function addValues(row: u32): void {
  for (let i: u32 = 0; i < aggregates; i++) {
    if (aggregateKind(i) < distinct) continue;
    const register = aggregateOf(i);
    if (isMissing(register, row)) continue;
    let to = writePlace(groupEnd, <f64>i);
    // There is room, since the group's key has left it.
    to = writeElementOf(to, register, row);
    store<u8>(to++, 0);
    const length = <u32>(to - made);
    let slot = find(tagArray, made, length);
    if (isNew) {
      slot = take(slot, tagArray, made, length);
      setMark(slot, markCount);
    }
    store<u64>(slot, load<u64>(slot, accumulator) + 1, accumulator);
  }
}

function writeElementOf(to: usize, register: usize, row: u32): usize {
  const kind = kindOf(register, row);
  if (kind == text) {
    const length = lengthIn(register, row);
    store<u8>(to++, <u8>tagText);
    copyWord(to, textOf(register, row), length);
    store<u16>(to + length, 0x0100);
    return to + length + 2;
  }
  if (kind == number) {
    return writePlace(to, <f64>digitsOf(register, row) / <f64>power(scaleIn(register, row)));
  }
  store<u8>(to, <u8>(kind == yes ? tagTrue : tagFalse));
  return to + 1;
}

/** Writes the length of a slot's value and the value; answers where it ends. */
export function writeSlot(at: usize, slot: usize): usize {
  const value = at + 4;
  const end =
    markOf(slot) == markCount
      ? writeNumber(value, <f64>load<u64>(slot, accumulator))
      : writeStates(value, load<u32>(slot, accumulator));
  const length = <u32>(end - value);
  const to = writeVarint(at, length);
  memory.copy(to, value, length);
  return to + length;
}

/** The partition of a slot: that of its group. */
export function partitionOfSlot(slot: usize, partitions: u32): u32 {
  const at = bytesOf(slot);
  if (partitions == 1) return 0;
  if (!isOrdered) return partitionOf(tagOf(slot), at, lengthOf(slot), partitions);
  const end = elementEnd(at);
  const tag = <u32>load<u8>(at);
  // Alone, a text does not need its end.
  const length = <u32>(end - at) - (tag == tagText ? 3 : 1);
  return partitionOf(tag, at + 1, length, partitions);
}

/** Behind the element of an array that is at `at`. */
function elementEnd(at: usize): usize {
  const tag = <u32>load<u8>(at++);
  if (tag == tagNumber) return at + 8;
  if (tag == tagText) {
    while (load<u8>(at) != 0) at++;
    return at + 2;
  }
  if (tag != tagArray) return at;
  while (load<u8>(at) != 0) at = elementEnd(at);
  return at + 1;
}
