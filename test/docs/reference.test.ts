/** The reference page says what the types say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { referencePath, referenceText } from "../../scripts/reference.ts";

test("docs/reference.md is made of the types as they are", () => {
  const has = readFileSync(referencePath, "utf8");
  assert.equal(has, referenceText(), "run: node scripts/reference.ts");
});

test("every option and every method says what it does", () => {
  const silent = referenceText()
    .split("\n")
    .filter((line) => /^\| `.*\| {2}\|$/.test(line));
  assert.deepEqual(silent, []);
});
