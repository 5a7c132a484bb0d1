/** How `scripts/reflow.ts` joins and wraps comments, and what it leaves alone. */
import assert from "node:assert/strict";
import test from "node:test";
import { reflowed } from "../../scripts/reflow.ts";

const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

function check(before: string, after: string): void {
  assert.equal(reflowed("x.ts", before), after);
  assert.equal(reflowed("x.ts", after), after, "a second run changes nothing");
}

test("lines of a paragraph are joined, and its end is not alone on a line", () => {
  check("/** One\n *  two\n *  */\nf();\n", "/** One two */\nf();\n");
  check("  // One\n  // two.\n  f();\n", "  // One two.\n  f();\n");
});

test("a paragraph is wrapped at 100 columns", () => {
  const text = reflowed("x.ts", `/** ${words(40)} */\n// ${words(40)}\n`);
  const lines = text.trimEnd().split("\n");
  assert.deepEqual(
    lines.map((line) => line.length),
    [98, 98, 16, 97, 97, 12],
  );
  check(text, text);
});

test("the end of a doc comment takes a word along when the last line is full", () => {
  check(`/** ${words(19)} */\n`, `/** ${words(18)}\n *  word */\n`);
});

test("items of lists keep their own lines and hang", () => {
  const item = `1. ${words(20)}`;
  check(
    `/** Laws:\n *\n *  ${item}\n *  2. two\n *     more */\n`,
    `/** Laws:\n *\n *  1. ${words(18)}\n *     word word\n *  2. two more */\n`,
  );
});

test("tables, code, columns, directives and comments behind code stay as they are", () => {
  for (const kept of [
    "/** A table:\n *  | a | b |\n *  | c | d | */\n",
    "/** Code:\n *  ```ts\n *  f(\n *  );\n *  ``` */\n",
    "/** Columns:\n *  a      b\n *  c      d */\n",
    "/** Indented:\n *    a\n *    b */\n",
    "/** open → full: why.\n *  full → open: why. */\n",
    "// biome-ignore lint: reason\n// Why.\n",
    "f(); // one\n// two\n",
    "const text = `\n// a\n// b\n`;\n",
  ]) {
    check(kept, kept);
  }
});
