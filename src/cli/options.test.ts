/** Parameters as they are typed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseParam } from "./options.ts";

test("parameters are texts up to the end, and the last of a name counts", () => {
  let params = {};
  for (const text of ["n=3", "s=abc", "n=4", "empty=", "eq=a=b"]) params = parseParam(text, params);
  assert.deepEqual(params, { n: "4", s: "abc", empty: "", eq: "a=b" });
});

test("what has no name is refused, and so are names that every object has", () => {
  for (const text of ["", "=1", "n", "__proto__=1", "constructor=1"]) {
    assert.throws(() => parseParam(text), /name=value/, text);
  }
});
