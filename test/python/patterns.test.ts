/** Expressions of Python's `re` in operators: workers, which match those of JavaScript, find what
 *  Python finds. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { noPython } from "./cluster.ts";

type Line = readonly [
  pattern: string,
  source: string,
  flags: string,
  texts: readonly string[],
  found: ReadonlyArray<boolean | ReadonlyArray<ReadonlyArray<string | null>>>,
];

test("what Python finds with an expression is what a worker finds", { skip: noPython }, () => {
  const library = join(import.meta.dirname, "../../python");
  const args = ["-B", join(import.meta.dirname, "patterns.py"), library];
  const run = spawnSync("python3", args, { encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
  assert.equal(run.status, 0, run.stderr);
  const lines = run.stdout.trimEnd().split("\n");
  assert.ok(lines.length > 800, `only ${lines.length} expressions`);
  for (const line of lines) {
    const [pattern, source, flags, texts, expected] = JSON.parse(line) as Line;
    const expression = new RegExp(source, `${flags}g`);
    for (const [index, text] of texts.entries()) {
      const wanted = expected[index]!;
      const told = `${pattern} as ${source} in ${JSON.stringify(text.slice(0, 200))}`;
      if (typeof wanted === "boolean") {
        assert.equal(new RegExp(source, flags).test(text), wanted, told);
        continue;
      }
      const found = Array.from(text.matchAll(expression), (one) =>
        wanted[0]?.length === 1 ? [one[0]] : Array.from(one, (part) => part ?? null),
      );
      assert.deepEqual(found, wanted, told);
    }
  }
});
