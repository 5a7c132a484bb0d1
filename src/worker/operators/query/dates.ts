/** Dates and times as texts of ISO 8601: `2024-02-29`, with a time behind a blank or a T, with or
 *  without a zone. The fields are taken as they are written; nothing is converted between zones. */

export type DateFields = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
};

const day = String.raw`(\d{4})-(\d\d)-(\d\d)`;
const time = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?`;
const zone = String.raw`(?:Z|[+-]\d\d(?::?\d\d)?)?`;
const shape = new RegExp(`^${day}(?:[ T]${time}${zone})?$`);

/** Null when the text is no date that there is. */
export function dateFields(text: string): DateFields | null {
  const found = shape.exec(text);
  if (found === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found
    .slice(1)
    .map((digits) => Number(digits ?? 0));
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month);
  if (!isDay || hour > 23 || minute > 59 || second > 59) return null;
  return { year, month, day, hour, minute, second };
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** 1 (Monday) to 7. */
export function weekdayOf({ year, month, day }: DateFields): number {
  // Sakamoto's method.
  const shifts = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
  const y = month < 3 ? year - 1 : year;
  const leaps = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  const sundayIs0 = (y + leaps + (shifts[month - 1] as number) + day) % 7;
  return sundayIs0 === 0 ? 7 : sundayIs0;
}

export const dateUnits = ["year", "quarter", "month", "day", "hour", "minute"] as const;
export type DateUnit = (typeof dateUnits)[number];

/** The beginning of the unit that the date lies in. */
export function truncated(fields: DateFields, unit: DateUnit): string {
  const { year, month, day, hour, minute } = fields;
  const two = (n: number) => `${n}`.padStart(2, "0");
  const date = (m: number, d: number) => `${`${year}`.padStart(4, "0")}-${two(m)}-${two(d)}`;
  switch (unit) {
    case "year":
      return date(1, 1);
    case "quarter":
      return date(month - ((month - 1) % 3), 1);
    case "month":
      return date(month, 1);
    case "day":
      return date(month, day);
    case "hour":
      return `${date(month, day)} ${two(hour)}:00:00`;
    case "minute":
      return `${date(month, day)} ${two(hour)}:${two(minute)}:00`;
  }
}
