/** What other people wrote must not move the cursor, colour the screen or hide a line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, cut, oneLine, safeText, table } from "./text.ts";

test("escape sequences, C1 controls and bidi marks are shown, not obeyed", () => {
  assert.equal(safeText("a\x1b[2Jb\x9bc\u202ed\x07"), "a\\x1b[2Jb\\x9bc\\x202ed\\x07");
  assert.equal(safeText("línea 一\n\tsecond"), "línea 一\n\tsecond");
  assert.equal(oneLine("a\r\n  b\tc\rd"), "a b c\\x0dd");
});

test("a text is cut to columns, not to characters", () => {
  assert.equal(columnsOf("日本"), 4);
  assert.equal(columnsOf("e\u0301"), 1);
  assert.equal(cut("日本語", 5), "日本…");
  assert.equal(cut("hello", 5), "hello");
  assert.equal(cut("hello!", 5), "hell…");
  assert.equal(cut("hello", 0), "");
});

test("columns line up, numbers to the right", () => {
  const lines = table(
    ["NAME", "N"],
    [
      ["日本", "7"],
      ["a", "1,000"],
    ],
    [1],
  );
  assert.deepEqual(lines, ["NAME      N", "日本      7", "a     1,000"]);
});

test("a table has any number of rows", () => {
  const lines = table(["NAME"], new Array(200_000).fill(["a"]));
  assert.equal(lines.length, 200_001);
});
