/** Rows of result files, in each format, however they are cut into chunks. */
import assert from "node:assert/strict";
import test from "node:test";
import { csvHeader, rowText } from "../wire/block/row.ts";
import { linesOf, rowsOf } from "./rows.ts";

const values = ["plain", "", "a,b", 'say "no"', "two\nlines", "tab\there", "back\\slash", "é\r"];

async function* bytewise(text: string): AsyncGenerator<Uint8Array, void> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

for (const format of ["ndjson", "csv", "text"] as const) {
  test(`rows of ${format} come back as they were written`, async () => {
    const header = format === "csv" ? csvHeader : "";
    const text = values.map((value, n) => rowText(format, `k${n}`, value, "row")).join("");
    const rows = await all(rowsOf(format, bytewise(header + text)));
    assert.deepEqual(
      rows,
      values.map((value, n) => [`k${n}`, value]),
    );
  });
}

test("a last line needs no newline", async () => {
  assert.deepEqual(await all(linesOf(bytewise("a\n\nb"))), ["a", "", "b"]);
});
