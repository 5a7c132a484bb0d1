/** What becomes of a word: it is counted, or it gets a number and is listed. */
import { allocate } from "./space";
import { entryCount, upsert, valueOf } from "./tables";

/** Whether words are numbered, not counted. */
let numbering: bool = false;
/** For each word in the order of the text: its number, and where it starts. */
let numbers: usize = 0;
let places: usize = 0;
let count: u32 = 0;
/** Places and lengths of the words that are new, in the order of their numbers. */
let fresh: usize = 0;
let freshCount: u32 = 0;

export function setNumbering(inputBytes: u32): void {
  numbering = true;
  numbers = allocate(inputBytes * 2 + 64);
  places = allocate(inputBytes * 2 + 64);
  fresh = allocate(inputBytes * 4 + 64);
}

export function startList(): void {
  count = freshCount = 0;
}

// @ts-ignore: decorator
@inline
export function listed(): u32 {
  return count;
}

export function freshWords(): u32 {
  return freshCount;
}

/** Addresses of the lists: numbers, places, fresh words. */
export function listAt(which: u32): usize {
  return which == 0 ? numbers : which == 1 ? places : fresh;
}

// @ts-ignore: decorator
@inline
export function list(number: u32, place: usize): void {
  store<u32>(numbers + (<usize>count << 2), number);
  store<u32>(places + (<usize>count << 2), <u32>place);
  count++;
}

/** A word: the bytes that it is known by, and where it lies in the text. */
export function found(at: usize, length: u32, place: usize): void {
  if (!numbering) {
    upsert(at, length, 1);
    return;
  }
  const value = valueOf(at, length);
  if (load<u64>(value) == 0) {
    store<u64>(value, entryCount());
    store<u32>(fresh + (<usize>freshCount << 3), <u32>place);
    store<u32>(fresh + (<usize>freshCount << 3), length, 4);
    freshCount++;
  }
  list(load<u32>(value), place);
}
