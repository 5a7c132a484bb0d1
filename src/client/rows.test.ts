/** Rows of result files, in each format, however they are cut into chunks. */
import assert from "node:assert/strict";
import test from "node:test";
import { linesOf } from "../sdk/table/lines.ts";
import { csvCell, rowText } from "../wire/block/row.ts";
import { rowsOf } from "./rows.ts";

const values = ["plain", "", "a,b", 'say "no"', "two\nlines", "tab\there", "back\\slash", "é\r"];

async function* bytewise(text: string): AsyncGenerator<Uint8Array, void> {
  for (const byte of Buffer.from(text)) yield Uint8Array.of(byte);
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

for (const format of ["ndjson", "text"] as const) {
  test(`rows of ${format} come back as they were written`, async () => {
    const text = values.map((value, n) => rowText(format, `k${n}`, value, "row")).join("");
    const rows = await all(rowsOf({ format }, bytewise(text)));
    assert.deepEqual(
      rows,
      values.map((value, n) => [`k${n}`, value]),
    );
  });
}

test("lines of text come back as they are, tables of it as objects", async () => {
  const lines = ["a\tb", "", "back\\slash \\t", "é"];
  const asLines = { format: "text", shape: { of: "lines" } } as const;
  assert.deepEqual(await all(rowsOf(asLines, bytewise(`${lines.join("\n")}\n`))), lines);
  const asTable = { format: "text", shape: { of: "rows", columns: ["a,b", "c"] } } as const;
  const text = values.map((value) => rowText("text", value, "x", "row")).join("");
  assert.deepEqual(
    await all(rowsOf(asTable, bytewise(text))),
    values.map((value) => ({ "a,b": value, c: "x" })),
  );
});

test("text of a job that did not say that its lines are no pairs is not cut", async () => {
  assert.deepEqual(await all(rowsOf({ format: "text" }, bytewise("whole\n"))), [["whole", ""]]);
});

test("rows of CSV come back by the names of their columns", async () => {
  const text = values.map((value) => `${csvCell(value, "row")},x\n`).join("");
  const rows = await all(rowsOf({ format: "csv" }, bytewise(`"a,b",c\n${text}`)));
  assert.deepEqual(
    rows,
    values.map((value) => ({ "a,b": value, c: "x" })),
  );
});

test("lines of tables are objects, whatever the format of the files is", async () => {
  const shape = { of: "rows", columns: ["key", "value"] } as const;
  const rows = await all(rowsOf({ format: "parquet", shape }, bytewise('{"key":1,"value":2}\n')));
  assert.deepEqual(rows, [{ key: 1, value: 2 }]);
});

test("a last line needs no newline", async () => {
  assert.deepEqual(await all(linesOf(bytewise("a\n\nb"))), ["a", "", "b"]);
});
