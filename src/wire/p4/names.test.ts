/** F6: names from other members, none of which may become a path. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { safeLastPart, safeName, twinKey } from "./names.ts";

const hostile = [
  "",
  ".",
  "..",
  "../../x",
  "a/../b",
  "/etc/passwd",
  "a//b",
  "a/",
  "C:\\x",
  "c:x",
  "a\\..\\b",
  "a\0b",
  "a\nb",
  "a\x1b[2J",
  "CON",
  "con.txt",
  "dir/NUL",
  "lpt1.log",
  "COM¹",
  "trailing ",
  "trailing.",
  "dir /x",
  "\u202egpj.exe",
  "x".repeat(256),
  "ñ".repeat(128),
  "\ud800",
  `${"a/".repeat(64)}a`,
];

test("F6: names that could become another path, device or terminal command are refused", () => {
  for (const name of hostile) assert.ok("problem" in safeName(name), JSON.stringify(name));
});

test("F6: harmless names stay what they are, in any alphabet", () => {
  const good = [
    "a.txt",
    "dir/sub/a b.txt",
    ".profile",
    "日本語",
    "ñ".repeat(127),
    "ab:c",
    "..a",
    "cone",
  ];
  for (const name of good) assert.deepEqual(safeName(name), { parts: name.split("/") });
  assert.deepEqual(safeName("e\u0301"), { parts: ["e\u0301"] });
});

test("F6: of a single file only the last part counts", () => {
  assert.deepEqual(safeLastPart("/srv/ana/books/a.txt"), { parts: ["a.txt"] });
  assert.ok("problem" in safeLastPart("a/.."));
  assert.ok("problem" in safeLastPart("a/"));
});

test("F6: twins of case and composition have one key", () => {
  assert.equal(twinKey(["A", "É.txt"]), twinKey(["a", "e\u0301.TXT".toUpperCase()]));
  assert.notEqual(twinKey(["a", "b"]), twinKey(["a", "c"]));
});
