/** Lists, trees, patterns and progress lines of shared files. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Speedometer, transferLine } from "../transfer-line.ts";
import { matcherOf, tableLines, treeLines } from "./listing.ts";

const file = (name: string, sizeBytes: number | null = 5, description = "") => ({
  name,
  sizeBytes,
  description,
  root: sizeBytes === null ? null : "ab".repeat(32),
});

test("a list says what is not known, and shows no control characters", () => {
  const lines = tableLines([file("a\x1b[2J", 1500), file("b", null, "notes")]);
  assert.match(lines[1]!, /^a\\x1b\[2J\s+1\.50 kB {2}abababababab$/);
  assert.match(lines[2]!, /^b\s+\? {2}unknown\s+notes$/);
});

test("a tree has folders before files, as names nest", () => {
  assert.deepEqual(treeLines([file("a"), file("d/b"), file("d/e/c")]), [
    "├─ d/",
    "│  ├─ e/",
    "│  │  └─ c (5 B)",
    "│  └─ b (5 B)",
    "└─ a (5 B)",
  ]);
});

test("patterns mean parts of names and descriptions, or whole names with wildcards", () => {
  const matches = (pattern: string, name: string, description = "") =>
    matcherOf(pattern)(file(name, 5, description));
  assert.ok(matches("WAR", "books/war.txt"));
  assert.ok(matches("notes", "x", "Notes of May"));
  assert.ok(matches("*.txt", "books/war.txt"));
  assert.ok(matches("books/*", "books/war.txt"));
  assert.ok(!matches("books/*", "books/deep/war.txt"));
  assert.ok(matches("books/**", "books/deep/war.txt"));
  assert.ok(matches("b?oks/**/war.*", "books/deep/war.txt"));
  assert.ok(!matches("*.txt", "war.txt.gz"));
  assert.ok(!matches("a+b*", "aab"));
});

test("a transfer says how far it is, how fast, and how long it takes", () => {
  const speed = new Speedometer();
  for (let second = 0; second <= 10; second++) speed.add(second * 1000, second * 2e6);
  assert.equal(Math.round(speed.bytesPerS), 2e6);
  const transfer = { label: "f", doneBytes: 20e6, sizeBytes: 40e6, note: "2 sources" };
  const line = transferLine(transfer, speed.bytesPerS, 80);
  assert.equal(line, "f  50 % of 40.0 MB  2.0 MB/s  ETA 10.0 s  2 sources");
  const almost = { ...transfer, doneBytes: 40e6 - 1, note: "" };
  assert.match(transferLine(almost, 0, 80), /99 % of/);
  assert.ok(transferLine(transfer, 1, 20).length <= 20);
});
