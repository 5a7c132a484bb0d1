/** What `npm test` runs, and how it reports. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { left } from "../../scripts/suite/long.ts";
import { allParts } from "../../scripts/suite/parts.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

test("every file of tests is run once", () => {
  const files = allParts(true).flat();
  assert.ok(files.length > 300, `${files.length} files`);
  assert.equal(new Set(files).size, files.length);
  assert.ok(files.includes("test/scripts/suite.test.ts"));
});

test("what `npm test` leaves out is there, and it runs all else once", () => {
  const files = allParts(true).flat();
  const starts = left.flatMap((one) => one.starts);
  const gone = starts.filter((start) => !files.some((path) => path.startsWith(start)));
  assert.deepEqual(gone, []);
  const expected = files.filter((path) => !starts.some((start) => path.startsWith(start)));
  assert.deepEqual(allParts(false).flat().toSorted(), expected.toSorted());
});

const runParts = new URL("../../scripts/suite/run-parts.ts", import.meta.url).href;
const program = `import { spec } from "node:test/reporters";
import { runParts } from "${runParts}";
const options = { cpuFile: process.argv[3]!, timeoutMs: 300_000 };
const { ended, reports } = runParts(JSON.parse(process.argv[2]!), options);
reports.pipe(new spec()).pipe(process.stdout);
if (!(await ended)) process.exitCode = 1;`;

const sources = {
  "good.test.ts":
    'test("fine", (t) => t.diagnostic("a note")); test("not now", { skip: "later" });',
  "bad.test.ts": 'test("wrong", () => assert.equal(1, 2));',
  "broken.test.ts": 'import "./gone.ts";',
  "ends.test.ts": "process.exit(3);",
};

test("files that share a process or not are reported alike, and failures again at the end", (t) => {
  const dir = temporaryDir(t, "tequio-suite-");
  writeFileSync(join(dir, "run.ts"), program);
  const [good, bad, broken, ends] = Object.entries(sources).map(([name, code]) => {
    const head = 'import assert from "node:assert/strict"; import { test } from "node:test";';
    writeFileSync(join(dir, name), `${head}\n${code}\n`);
    return join(dir, name);
  });
  const cpuFile = join(dir, "cpu");
  const run = (parts: unknown) => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const args = [join(dir, "run.ts"), JSON.stringify(parts), cpuFile];
    const { status, stdout } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
    return { status, stdout };
  };
  const one = run([[good]]);
  assert.equal(one.status, 0, one.stdout);
  assert.match(one.stdout, /✔ fine .*\n.*a note\n/);
  assert.match(one.stdout, /tests 2\n.*suites 0\n.*pass 1\n.*fail 0\n.*cancelled 0\n.*skipped 1\n/);
  assert.doesNotMatch(one.stdout, /failing tests/);
  const many = run([[broken, good, bad], [ends]]);
  assert.equal(many.status, 1);
  const [before = "", failing = ""] = many.stdout.split("✖ failing tests:");
  assert.match(before, /✔ fine/);
  assert.match(before, /tests 5\n.*suites 0\n.*pass 1\n.*fail 3\n.*cancelled 0\n.*skipped 1\n/);
  // One line for each process: alone, three of one, and the one that ends itself.
  const lines = readFileSync(cpuFile, "utf8").trim().split("\n");
  const names = lines.map((line) => line.replace(/^\d+\.\d /, "")).toSorted();
  assert.deepEqual(names, [`${broken} and 2 more`, ends, good].toSorted());
  for (const name of ["wrong", broken, ends]) assert.ok(failing.includes(`✖ ${name} (`), failing);
});
