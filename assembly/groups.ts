/** Groups rows: bytes of CSV or JSON in, sorted runs or rows out. AssemblyScript, built by
 *  `scripts/build-wasm.ts` into `src/worker/kernels/groups/groups-wasm.ts`; its driver is beside
 *  that.
 *
 *  A row is found, its wanted fields are noted (`rows`), then each row is counted at its key
 *  (`count`, `table`). Nothing is copied but keys that come for the first time. */
import { op, setKeyField, setNumberField, startCount } from "./groups/count";
import { isOpen as isLineOpen, scanCsv, setColumn, setCsv, startCsv } from "./groups/csv";
import { scanJson, setName, startJson } from "./groups/json";
import { scanLines, startLines } from "./groups/lines";
import {
  entriesMerged,
  firstKeys,
  mergeSome,
  setPayload,
  startMerge as startRuns,
} from "./groups/merge";
import { blockTargetBytes, flushRows, setBound, startResult } from "./groups/result";
import { clearOdd, odds, oddsAt, startRows } from "./groups/rows";
import {
  accumulator,
  bytesOf,
  clearTable,
  keyMaxBytes,
  lengthOf,
  listEntries,
  scaleOf,
  slotCount,
  startTable,
  tableBytes,
  tagOf,
} from "./groups/table";
import { writeValue, writeVarint } from "./groups/values";
import { clearFrames, framesAt, framesSize, marksAt, marksCount } from "./query/frames";
import { partitionOfSlot, writeSlot } from "./query/group";
import {
  fillKind,
  fillNumber,
  fillWithText,
  frameAll as frameRows,
  isProgram,
  passOnly,
  setColumnField,
  setOutput,
  startProgram as startInstructions,
} from "./query/program";
import { writtenMaxBytes } from "./query/states";
import { orderedEntry, partitionOf, prepareSort, sortEntries, startOf } from "./sort";
import { allocate, base, copyWord, sharedBytes } from "./space";

export { setKeyField, setNumberField, setCsv, setColumn, slotCount, tableBytes, odds, oddsAt };
export { setName };
export { fillKind, fillNumber, fillWithText, passOnly, setColumnField, setOutput };
export { framesAt, framesSize, marksAt, marksCount };
export { entriesMerged, setBound, setPayload };

const outBytes: u32 = blockTargetBytes + keyMaxBytes + 256;
/** Tags of keys: null, false, true, number, text, array. */
const tags: u32 = 6;

let input: usize = 0;
let out: usize = 0;
let outLength: u32 = 0;
let isJson: bool = false;
let isLines: bool = false;

/** Once. Answers where up to `inputBytes` are to be put for `scan`. `fields`: how many of a row are
 *  wanted; `keys` of them are its key, in the order of `setKeyField`. */
export function start(inputBytes: u32, op: u32, fields: u32, keys: u32): usize {
  startTable();
  startRows(fields);
  startCount(op, keys);
  startCsv(fields);
  out = allocate(outBytes);
  input = allocate(inputBytes + 256);
  base();
  clearTable();
  return input;
}

export function clear(): void {
  clearTable();
}

export function outAt(): usize {
  return out;
}

export function outSize(): u32 {
  return outLength;
}

/** Counts the lines of [from, end), the last byte of which is a newline, but those that `odds` says
 *  are at `oddsAt`: pairs of addresses. Answers how far it came. */
export function scan(from: usize, end: usize): usize {
  clearOdd();
  clearFrames();
  if (isJson) return scanJson(from, end);
  return isLines ? scanLines(from, end) : scanCsv(from, end);
}

/** Lines are JSON: so many names, of so many bytes, are set by `setName`; answers where their bytes
 *  go. Once, before anything is counted. */
export function setJson(fields: u32, names: u32, nameBytes: u32): usize {
  isJson = true;
  const at = startJson(fields, names, nameBytes);
  base();
  clearTable();
  return at;
}

/** Lines are matched by a pattern; answers where its steps and classes go. As `setJson`. */
export function setLines(steps: u32, classes: u32): usize {
  isLines = true;
  const at = startLines(steps, classes);
  base();
  clearTable();
  return at;
}

/** Rows go through a program before they are grouped. As `setJson`, before or behind it. */
export function startProgram(
  instructions: u32, registers: u32, columns: u32, keys: u32, aggregates: u32, textBytes: u32,
  ordered: bool,
): usize {
  const at = startInstructions(
    instructions, registers, columns, keys, aggregates, textBytes, ordered,
  );
  out = allocate(outBytes + aggregates * writtenMaxBytes);
  base();
  clearTable();
  return at;
}

/** Rows become frames, each a key and a line: see `framesAt` and, of each, `marksAt`. */
export function frameAll(outputs: u32, isCsv: bool, isUnique: bool): void {
  frameRows(outputs, isCsv, isUnique);
  base();
  clearTable();
}

/** Whether the last scan stopped at a line that may be the start of a row of several lines. */
export function isOpen(): bool {
  return isLineOpen;
}

/** A group as it is sorted; its address is that of the entry. */
@unmanaged
class Group {
  @inline
  at(): usize {
    return bytesOf(changetype<usize>(this));
  }

  @inline
  length(): u32 {
    return lengthOf(changetype<usize>(this));
  }

  @inline
  bucket(partitions: u32): u32 {
    const tag = tagOf(changetype<usize>(this));
    const partition = isProgram
      ? partitionOfSlot(changetype<usize>(this), partitions)
      : partitionOf(tag, this.at(), this.length(), partitions);
    // 10, 20, 21, 30, 40, 50 become 0 to 5.
    const order = tag < 0x21 ? (tag >> 4) - 1 : tag == 0x21 ? 2 : tag >> 4;
    return partition * tags + order;
  }
}

/** Puts the groups in order, by partition and then by key. Holds until something is counted. */
export function sort(partitions: u32): void {
  const list = prepareSort(partitions * tags, slotCount());
  sortEntries<Group>(listEntries(list), partitions, partitions * tags);
}

export function partitionStart(partition: u32): u32 {
  return startOf(partition * tags);
}

const aheadMask: u32 = 15;
/** Of most entries. */
const entryBytes: usize = 48;
let seen: u64 = 0;

/** Loads what the groups [from, to) of the order have: they lie anywhere, and memory answers many
 *  questions at once sooner than one after the other. */
function lookAhead(from: u32, to: u32): void {
  let all: u64 = 0;
  for (let i = from; i < to; i++) {
    const slot = orderedEntry(i);
    all += load<u64>(slot, accumulator) + load<u8>(slot, entryBytes - 1);
  }
  seen += all;
}

/** Writes the payload of a block of a run (docs/protocols/block.md) with groups of the order from
 *  `from` on, before `to`; answers where the next block starts. */
export function block(from: u32, to: u32): u32 {
  let at = out;
  let before: usize = 0;
  let beforeLength: u32 = 0;
  let beforeTag: u32 = 0;
  let i = from;
  while (i < to && <u32>(at - out) < blockTargetBytes) {
    if ((i & aheadMask) == 0) lookAhead(i + aheadMask + 1, min(to, i + 2 * (aheadMask + 1)));
    const slot = orderedEntry(i++);
    const tag = tagOf(slot);
    const key = bytesOf(slot);
    const length = lengthOf(slot);
    let shared: u32 = 0;
    if (tag == beforeTag) {
      shared = sharedBytes(before, key, min(beforeLength, length));
      at = writeVarint(at, shared + 1);
      at = writeVarint(at, length - shared);
    } else {
      at = writeVarint(at, 0);
      at = writeVarint(at, length + 1);
      store<u8>(at++, <u8>tag);
    }
    copyWord(at, key + shared, length - shared);
    at += length - shared;
    before = key;
    beforeLength = length;
    beforeTag = tag;
    if (isProgram) at = writeSlot(at, slot);
    else {
      const whole = load<i64>(slot, accumulator);
      at = writeValue(at, op, whole, scaleOf(slot), load<f64>(slot, accumulator));
    }
  }
  outLength = <u32>(at - out);
  return i;
}

/** Forgets all groups, and prepares to merge so many runs; `room` for their payloads comes next,
 *  then `firstKeys`, then `merge` until there is no more. */
export function startMerge(runs: u32, mode: u32, ascending: bool): void {
  clearTable();
  startResult(mode, ascending);
  startRuns(runs);
}

/** Memory for the payloads of a run. */
export function room(sizeBytes: u32): usize {
  return allocate(sizeBytes + 64);
}

export { firstKeys };

/** About so many entries; false after the last. */
export function merge(entries: u32): bool {
  const isMore = mergeSome(entries);
  if (!isMore) flushRows();
  return isMore;
}
