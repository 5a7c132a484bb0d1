/** Fields of dates: `2024-02-29`, or with a time behind a blank or a T. Dates that are written
 *  otherwise are odd; null and an empty text have no fields. */
import {
  hasMadeRoom,
  kindOf,
  lengthIn,
  madeAt,
  none,
  rowAt,
  selected,
  setKind,
  setNumber,
  setOdd,
  setText,
  takeMade,
  text,
  textOf,
} from "./registers";

export const weekday: u32 = 6;
/** Units of `truncations`. */
export const toYear: u32 = 0;
export const toQuarter: u32 = 1;
export const toMonth: u32 = 2;
export const toDay: u32 = 3;
export const toHour: u32 = 4;

/** What `readDate` has read. */
let year: u32 = 0;
let month: u32 = 0;
let day: u32 = 0;
let hour: u32 = 0;
let minute: u32 = 0;
let second: u32 = 0;

/** Two digits; 100 or more when one is none. */
// @ts-ignore: decorator
@inline
function two(at: usize): u32 {
  const tens = <u32>load<u8>(at) - 0x30;
  const ones = <u32>load<u8>(at, 1) - 0x30;
  return tens < 10 && ones < 10 ? tens * 10 + ones : 1000;
}

function daysIn(year: u32, month: u32): u32 {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

function readDate(at: usize, length: u32): bool {
  if (length != 10 && length != 19 && length != 20) return false;
  const century = two(at);
  const years = two(at + 2);
  month = two(at + 5);
  day = two(at + 8);
  if (century > 99 || years > 99 || load<u8>(at, 4) != 0x2d || load<u8>(at, 7) != 0x2d) {
    return false;
  }
  year = century * 100 + years;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return false;
  hour = minute = second = 0;
  if (length == 10) return true;
  const between = <u32>load<u8>(at, 10);
  if (between != 0x20 && between != 0x54) return false;
  if (length == 20 && load<u8>(at, 19) != 0x5a) return false;
  hour = two(at + 11);
  minute = two(at + 14);
  second = two(at + 17);
  const isTime = load<u8>(at, 13) == 0x3a && load<u8>(at, 16) == 0x3a;
  return isTime && hour <= 23 && minute <= 59 && second <= 59;
}

/** Whether the date of the row was read; else its cell is set. */
function hasDate(to: usize, a: usize, row: u32): bool {
  const kind = kindOf(a, row);
  if (kind == text && readDate(textOf(a, row), lengthIn(a, row))) return true;
  if (kind == none || (kind == text && lengthIn(a, row) == 0)) setKind(to, row, none);
  else setOdd(to, row);
  return false;
}

/** `field`: 0 to 5 for year to second, or `weekday`. */
export function dateFields(to: usize, a: usize, field: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasDate(to, a, row)) continue;
    let value = second;
    if (field == 0) value = year;
    else if (field == 1) value = month;
    else if (field == 2) value = day;
    else if (field == 3) value = hour;
    else if (field == 4) value = minute;
    else if (field == weekday) value = weekdayOf();
    setNumber(to, row, <i64>value, 0);
  }
}

const shifts: StaticArray<u32> = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];

/** 1 (Monday) to 7, by Sakamoto's method. */
function weekdayOf(): u32 {
  // 400 years have whole weeks; so nothing is below 0.
  const y = (month < 3 ? year + 399 : year + 400);
  const leaps = y / 4 - y / 100 + y / 400;
  const sundayIs0 = (y + leaps + unchecked(shifts[month - 1]) + day) % 7;
  return sundayIs0 == 0 ? 7 : sundayIs0;
}

/** Where the unit begins that the date is in. */
export function truncations(to: usize, a: usize, unit: u32): void {
  for (let i: u32 = 0; i < selected; i++) {
    const row = rowAt(i);
    if (!hasDate(to, a, row)) continue;
    const at = textOf(a, row);
    if (unit == toDay) {
      setText(to, row, at, 10);
      continue;
    }
    if (!hasMadeRoom(32)) {
      setOdd(to, row);
      continue;
    }
    takeMade(to, row, writeStart(at, unit));
  }
}

function writeStart(at: usize, unit: u32): usize {
  const to = madeAt;
  // Up to the day, as it is written.
  v128.store(to, v128.load(at));
  if (unit < toDay) store<u16>(to, 0x3130, 8);
  if (unit == toYear) store<u16>(to, 0x3130, 5);
  else if (unit == toQuarter) {
    const first = month - ((month - 1) % 3);
    store<u8>(to, <u8>(0x30 + first / 10), 5);
    store<u8>(to, <u8>(0x30 + first % 10), 6);
  }
  if (unit <= toDay) return to + 10;
  store<u8>(to, 0x20, 10);
  const isHour = unit == toHour;
  store<u8>(to, <u8>(0x30 + hour / 10), 11);
  store<u8>(to, <u8>(0x30 + hour % 10), 12);
  store<u8>(to, 0x3a, 13);
  store<u8>(to, <u8>(0x30 + (isHour ? 0 : minute / 10)), 14);
  store<u8>(to, <u8>(0x30 + (isHour ? 0 : minute % 10)), 15);
  store<u8>(to, 0x3a, 16);
  store<u16>(to, 0x3030, 17);
  return to + 19;
}
