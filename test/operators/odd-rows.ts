/** Rows of CSV as they may be: with quotes, returns, numbers and dates of all kinds, and faults. */
import fc from "../fixtures/fast-check.ts";

export const columns = ["a", "n", "b", "d"] as const;

const cells = fc.constantFrom(
  ..."a|Oaxaca|Mérida|ÑANDÚ|straße|ÿ|日本| x |a key of more than sixteen bytes|100%".split("|"),
  ...["", "", '"quoted"', '"a ""double"" one"', '"with, comma"', "nul\0", "cr\rinside"],
  ...["true", "FALSE", "True"],
);
const odd = fc.constantFrom('"open', 'stray"quote', '"a\nb"', '"x\r\n\r\ny"', "\ufeff");
const numbers = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -999, max: 999 }).map((n) => `${n / 10}`) },
  { weight: 1, arbitrary: fc.constantFrom(..."|-0|0.0|007|12.50|999999999999999".split("|")) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ..."1.|.5|+3| 4|1e3|9007199254740993|0.000000000000001|x".split("|"),
    ),
  },
);
export const dates = fc.constantFrom(
  ..."2024-02-29|2023-12-31|2024-01-15 23:59:58|2024-05-01T00:00:00Z|".split("|"),
  ..."2024-01-01T10:00:00.5+02:00|2023-02-29|0099-03-01|soon".split("|"),
);
const endings = fc.constantFrom("\n", "\n", "\n", "\n", "\r\n", "\n\n", ",extra\n");
const row = fc
  .tuple(fc.oneof({ weight: 9, arbitrary: cells }, odd), numbers, cells, dates, endings)
  .map(([a, n, b, d, end]) => `${a},${n},${b},${d}${end}`);
/** Files of such rows; some end in bytes that are not UTF-8. */
export const csv = fc
  .tuple(
    fc.constantFrom("a,n,b,d\n", "\ufeffa,n,b,d\r\n"),
    fc.array(row, { maxLength: 30, size: "max" }),
    fc.constantFrom("", "", "x,1,y,2024-01-01", "\xff,1,y,\n"),
  )
  .map((parts) => parts.flat().join(""))
  .map((content) => Buffer.from(content, content.includes("\xff") ? "latin1" : "utf8"));
