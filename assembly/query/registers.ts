/** Cells of the rows at hand: a register has one cell of each row.
 *
 *  | register | bytes |
 *  | --- | --- |
 *  | of each row the digits of a number i64, or where a text is u32 and its length u32 | 8 × 512 |
 *  | kind of each row | 512 |
 *  | decimals of each row that has a number | 512 |
 *
 *  What a row is, is decided by the host when any of its cells is *odd*: nothing is guessed. */
import { allocate } from "../space";
import { rowBytes, rowsAt, rowsEnd, rowsMax } from "../groups/rows";

/** Kinds of cells. */
export const text: u32 = 0;
export const number: u32 = 1;
export const none: u32 = 2;
export const no: u32 = 3;
export const yes: u32 = 4;
export const other: u32 = 5;

const kindsAt: usize = <usize>rowsMax << 3;
const scalesAt: usize = kindsAt + rowsMax;
const registerBytes: usize = scalesAt + rowsMax;
/** Texts that were made of others, of all rows at hand. */
const madeBytes: u32 = 1024 * 1024;

let registers: usize = 0;
let selection: usize = 0;
let odd: usize = 0;
let madeFrom: usize = 0;
/** Where the next text goes that is made. */
export let madeAt: usize = 0;
/** Rows that are still wanted. */
export let selected: u32 = 0;

export function startRegisters(count: u32): void {
  registers = allocate(<usize>count * registerBytes);
  selection = allocate(rowsMax * 2);
  odd = allocate(rowsMax);
  madeFrom = allocate(madeBytes + 64);
}

// @ts-ignore: decorator
@inline
export function registerOf(index: u32): usize {
  return registers + <usize>index * registerBytes;
}

/** All rows that were found are wanted, and none is odd. */
export function selectAll(): void {
  selected = <u32>(rowsEnd - rowsAt) / rowBytes;
  for (let i: u32 = 0; i < selected; i++) store<u16>(selection + (i << 1), <u16>i);
  memory.fill(odd, 0, rowsMax);
  madeAt = madeFrom;
}

// @ts-ignore: decorator
@inline
export function rowAt(i: u32): u32 {
  return load<u16>(selection + (i << 1));
}

// @ts-ignore: decorator
@inline
export function keepRow(i: u32, row: u32): void {
  store<u16>(selection + (i << 1), <u16>row);
}

export function keepOnly(count: u32): void {
  selected = count;
}

// @ts-ignore: decorator
@inline
export function markOdd(row: u32): void {
  store<u8>(odd + row, 1);
}

// @ts-ignore: decorator
@inline
export function isOdd(row: u32): bool {
  return load<u8>(odd + row) != 0;
}

// @ts-ignore: decorator
@inline
export function kindOf(register: usize, row: u32): u32 {
  return load<u8>(register + kindsAt + row);
}

// @ts-ignore: decorator
@inline
export function setKind(register: usize, row: u32, kind: u32): void {
  store<u8>(register + kindsAt + row, <u8>kind);
}

// @ts-ignore: decorator
@inline
export function digitsOf(register: usize, row: u32): i64 {
  return load<i64>(register + (<usize>row << 3));
}

// @ts-ignore: decorator
@inline
export function scaleIn(register: usize, row: u32): u32 {
  return load<u8>(register + scalesAt + row);
}

// @ts-ignore: decorator
@inline
export function textOf(register: usize, row: u32): usize {
  return load<u32>(register + (<usize>row << 3));
}

// @ts-ignore: decorator
@inline
export function lengthIn(register: usize, row: u32): u32 {
  return load<u32>(register + (<usize>row << 3), 4);
}

// @ts-ignore: decorator
@inline
export function setNumber(register: usize, row: u32, digits: i64, scale: u32): void {
  store<i64>(register + (<usize>row << 3), digits);
  store<u8>(register + scalesAt + row, <u8>scale);
  setKind(register, row, number);
}

// @ts-ignore: decorator
@inline
export function setText(register: usize, row: u32, at: usize, length: u32): void {
  store<u32>(register + (<usize>row << 3), <u32>at);
  store<u32>(register + (<usize>row << 3), length, 4);
  setKind(register, row, text);
}

// @ts-ignore: decorator
@inline
export function setTruth(register: usize, row: u32, truth: bool): void {
  setKind(register, row, truth ? yes : no);
}

/** The row's cell is not known here. */
export function setOdd(register: usize, row: u32): void {
  markOdd(row);
  setKind(register, row, none);
}

// @ts-ignore: decorator
@inline
export function copyCell(to: usize, from: usize, row: u32): void {
  store<i64>(to + (<usize>row << 3), digitsOf(from, row));
  store<u8>(to + scalesAt + row, <u8>scaleIn(from, row));
  setKind(to, row, kindOf(from, row));
}

export function hasMadeRoom(sizeBytes: u32): bool {
  return madeAt + sizeBytes <= madeFrom + madeBytes;
}

/** Takes [madeAt, end) as the text of the row. */
export function takeMade(register: usize, row: u32, end: usize): void {
  setText(register, row, madeAt, <u32>(end - madeAt));
  madeAt = end;
}

/** One cell for all rows. */
export function fillText(register: u32, at: usize, length: u32): void {
  const to = registerOf(register);
  for (let row: u32 = 0; row < rowsMax; row++) setText(to, row, at, length);
}

export function fillNumber(register: u32, digits: f64, scale: u32): void {
  const to = registerOf(register);
  for (let row: u32 = 0; row < rowsMax; row++) setNumber(to, row, <i64>digits, scale);
}

export function fillKind(register: u32, kind: u32): void {
  const to = registerOf(register);
  for (let row: u32 = 0; row < rowsMax; row++) setKind(to, row, kind);
}
