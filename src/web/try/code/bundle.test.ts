/** What the text in the editor is built into: one module, with a source map, or a refusal with its
 *  place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure } from "../../../core/job.ts";
import { placed } from "../../../worker/browser/tab/reporting/places.ts";
import { bundleSource } from "./bundle.ts";

const sdk = {
  name: "sdk",
  code: "const sdk = {\n  tasks: (options) => options,\n  count: 3,\n};",
  names: ["tasks", "count"],
};

async function loaded(source: string): Promise<Record<string, unknown>> {
  const code = bundleSource(source, sdk);
  return (await import(`data:text/javascript,${encodeURIComponent(code)}`)).default;
}

test("imports of the SDK are its own, by every way to write them", async () => {
  const source = `export default { n, all, f: tasks({ a: 1 }) };
import { count as n, type Emit, tasks } from "tequio";
import * as all from "tequio";
import type { Job } from "tequio";
`;
  const { all, f, n } = await loaded(source);
  assert.deepEqual([n, f, Object.keys(all as object)], [3, { a: 1 }, ["tasks", "count"]]);
});

test("the map leads from the module to the lines of the editor", () => {
  const source = 'import { tasks } from "tequio";\n\ntype A = {\n  b: number;\n};\n\nlet x = "é";';
  const code = bundleSource(source, sdk);
  const line = code.split("\n").findIndex((text) => text.startsWith("let x")) + 1;
  const stack = `at run (job.mjs:${line}:5)`;
  const failure: Failure = { code: "user-error", message: `it threw (job.mjs:${line})`, stack };
  const { message, stack: mapped } = placed(failure, code);
  assert.deepEqual([message, mapped], ["it threw (job.ts:7)", "at run (job.ts:7:5)"]);
  const causes = `out (job.mjs:${line}:5); caused by in (job.mjs:${line}:1)`;
  const all = placed({ code: "user-error", message: causes }, code);
  assert.equal(
    all.message,
    "out (job.ts:7); caused by in (job.ts:7)",
    "each, also without a stack",
  );
});

const refused: ReadonlyArray<readonly [what: string, source: string, said: RegExp]> = [
  [
    "another module",
    'import { a } from "./a.ts"; a;',
    /^job\.ts:2:1: only "tequio" .* "\.\/a\.ts"/,
  ],
  ["a module of Node", 'import fs from "node:fs"; fs;', /^job\.ts:2:1: .*not "node:fs"/],
  ["a module at run time", 'const a = await import("a");', /^job\.ts:2:17: .*not "a"/],
  ["re-exports", 'export * from "tequio";', /^job\.ts:2:1: .*by `import/],
  ["a name that is not there", 'import { nope } from "tequio"; nope;', /^job\.ts:2:10: .* nope; /],
  ["a default of the SDK", 'import t from "tequio"; t;', /^job\.ts:2:8: .*exports no default/],
  ["what does not parse", "const = 1;", /^job\.ts:2:7: /],
];

for (const [what, source, said] of refused) {
  test(`refused with its place: ${what}`, () => {
    assert.throws(() => bundleSource(`\n${source}`, sdk), { message: said });
  });
}
