/** Rows that were found in the input and are not counted yet, and the parts of the input that the
 *  host must read itself.
 *
 *  | row | bytes |
 *  | --- | --- |
 *  | where it starts and where its last byte is behind | u32, u32 |
 *  | each wanted field: where it is, its length and kind | u32, u32 |
 *
 *  A row is *odd* when the kernel does not read it: one that is no record, whose key is no plain
 *  text, whose number is not short. The host reads odd rows as any job would, so that the kernel
 *  decides nothing but what is certain. */
import { allocate } from "../space";

/** Kinds of fields, in the upper bits of their lengths. */
export const kindShift: u32 = 28;
export const lengthMask: u32 = (1 << kindShift) - 1;
export const kindText: u32 = 0;
export const kindNumber: u32 = 1;
export const kindNull: u32 = 2;
export const kindFalse: u32 = 3;
export const kindTrue: u32 = 4;
export const kindOther: u32 = 5;

export const rowsMax: u32 = 512;
const oddMax: u32 = 4096;
/** Texts that are not in the input as they are: quotes, escapes. */
const textBytes: u32 = 256 * 1024;

export let rowBytes: u32 = 0;
export let rowsAt: usize = 0;
export let rowsEnd: usize = 0;
let rowsFull: usize = 0;

let oddAt: usize = 0;
let oddCount: u32 = 0;

let textAt: usize = 0;
export let textEnd: usize = 0;

export function startRows(fields: u32): void {
  rowBytes = 8 + fields * 8;
  rowsAt = allocate(rowsMax * rowBytes);
  rowsEnd = rowsAt;
  rowsFull = rowsAt + rowsMax * rowBytes;
  oddAt = allocate(oddMax * 8);
  textAt = allocate(textBytes + 64);
  textEnd = textAt;
}

export function clearRows(): void {
  rowsEnd = rowsAt;
  textEnd = textAt;
}

/** Whether the row at `rowsEnd` was the last for which there is room. */
// @ts-ignore: decorator
@inline
export function addRow(start: usize, end: usize): bool {
  store<u32>(rowsEnd, <u32>start);
  store<u32>(rowsEnd, <u32>end, 4);
  rowsEnd += rowBytes;
  return rowsEnd == rowsFull;
}

// @ts-ignore: decorator
@inline
export function setField(field: u32, at: usize, length: u32, kind: u32): void {
  const to = rowsEnd + 8 + (field << 3);
  store<u32>(to, <u32>at);
  store<u32>(to, length | (kind << kindShift), 4);
}

// @ts-ignore: decorator
@inline
export function fieldAt(row: u32, field: u32): usize {
  return rowsAt + row * rowBytes + 8 + (<usize>field << 3);
}

export function hasTextRoom(sizeBytes: u32): bool {
  return textEnd + sizeBytes <= textAt + textBytes;
}

export function setTextEnd(end: usize): void {
  textEnd = end;
}

export function clearOdd(): void {
  oddCount = 0;
}

export function addOdd(start: usize, end: usize): void {
  if (oddCount > 0) {
    const last = oddAt + ((oddCount - 1) << 3);
    if (load<u32>(last, 4) == <u32>start) {
      store<u32>(last, <u32>end, 4);
      return;
    }
  }
  const to = oddAt + (oddCount++ << 3);
  store<u32>(to, <u32>start);
  store<u32>(to, <u32>end, 4);
}

/** No room for what a full list of rows could add. */
export function isOddFull(): bool {
  return oddCount + 2 * rowsMax + 2 > oddMax;
}

export function odds(): u32 {
  return oddCount;
}

export function oddsAt(): usize {
  return oddAt;
}
