/** Results of every format become rows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { say } from "../i18n/language.ts";
import { jobMessages } from "../jobs/messages.ts";
import { barsOf, titleOf } from "./chart.ts";
import { failedRows, tableOf } from "./rows.ts";

test("CSV has its names, its quotes and its numbers, and no record that is cut off", () => {
  const text = 'word,n\n"a ""b"", c",3\r\nd,007\ne,1';
  assert.deepEqual(tableOf(text, "csv"), [
    { word: 'a "b", c', n: 3 },
    { word: "d", n: "007" },
  ]);
});

test("lines of text and of JSON are rows, bytes are none", () => {
  assert.deepEqual(tableOf("one\ntwo\nthr", "text"), [{ line: "one" }, { line: "two" }]);
  assert.deepEqual(tableOf('{"a":1}\n[2]\n{"a"', "ndjson"), [{ a: 1 }, { value: [2] }]);
  assert.deepEqual(tableOf("abc\n", "bytes"), []);
});

test("of a task that failed the first line of its message is shown", () => {
  const line = JSON.stringify({ task: 7, code: "user-error", message: "no two\n  at job.ts:3" });
  const failed = { task: 7, code: "user-error", message: "no two" };
  assert.deepEqual(failedRows(`${line}\n{"task":9,"co`), [failed]);
});

test("the largest values are charted by the first other column", () => {
  const rows = tableOf("city,n\na,1\nb,5\n", "csv");
  assert.deepEqual(barsOf(rows), {
    key: "city",
    value: "n",
    bars: [
      ["b", 5],
      ["a", 1],
    ],
  });
  assert.equal(barsOf(tableOf("one\n", "text")), null);
});

test("a chart of the first rows of a longer result says so", () => {
  const rows = tableOf('{"key":"a","value":2}\n{"key":"b","value":1}\n', "ndjson");
  assert.equal(titleOf(rows, 3_708), "chartOfFirst");
  assert.equal(titleOf(rows, 2), "chart");
  const values = { key: "key", value: "value", n: 2 };
  const text = say(jobMessages, "chartOfFirst", values);
  assert.equal(text, "Bar chart of value by key, of the first 2 records");
});
