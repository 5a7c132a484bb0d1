/** Style as a test: the import table, sizes and names, for every source file of the repository. */
import assert from "node:assert/strict";
import test from "node:test";
import { httpFindings } from "./built-ins.ts";
import { circleFindings } from "./circles.ts";
import type { Finding } from "./finding.ts";
import { importProblem, layerFindings } from "./layers.ts";
import { isKept, readOtherTexts, retiredFindings } from "./retired.ts";
import { fileFindings, lineFindings, pythonFindings, shapeFindings } from "./sizes.ts";
import { readPythonSources, readSources, type Source } from "./sources.ts";
import {
  exportedNameFindings,
  fileNameFindings,
  firstLineFindings,
  folderNameFindings,
  unwantedFindings,
  wordsOf,
} from "./words.ts";

const sources = readSources();

function holds(rule: string, findings: readonly Finding[]): void {
  const found = findings.filter((finding) => finding.rule === rule);
  if (found.length > 0) assert.fail(`\n${found.map(({ text }) => text).join("\n")}`);
}

test("every folder of src, and the simulation, imports only what the table allows", () => {
  holds("imports", layerFindings(sources));
});

test("no file imports itself by way of others, and rooms of a layer have an order", () => {
  const findings = circleFindings(sources);
  holds("import-circles", findings);
  holds("room-circles", findings);
});

test("no file has more than 400 lines", () => {
  holds("file-lines", fileFindings(sources));
});

test("every file of test lies in the folder of its topic", () => {
  const loose = sources.filter(({ path }) => /^test\/[^/]+$/.test(path)).map(({ path }) => path);
  assert.deepEqual(loose, []);
});

test("no line has more than 100 columns", () => {
  holds("line-columns", lineFindings(sources));
});

test("no function has more than 60 lines or 4 parameters, no interface more than 8 members", () => {
  const findings = shapeFindings(sources);
  holds("function-shape", findings);
  holds("interface-members", findings);
});

test("names are specific", () => {
  holds("names", [
    ...fileNameFindings(sources),
    ...folderNameFindings(sources),
    ...exportedNameFindings(sources),
  ]);
});

test("every file begins with a sentence that says what it is", () => {
  holds("first-line", firstLineFindings(sources));
});

test("no path of one machine, nothing unfinished, no test skipped without a reason", () => {
  for (const rule of ["machine-paths", "unfinished", "skips"]) {
    holds(rule, unwantedFindings(sources, rule));
  }
});

test("files in Python are no larger, and say what they are, too", () => {
  const python = readPythonSources();
  assert.ok(python.length > 20);
  const unnamed = python.filter(({ lines }) => !/^"""[A-Z]/.test(lines[0] ?? ""));
  assert.deepEqual([...pythonFindings(python).map(({ text }) => text), ...unnamed], []);
  for (const rule of ["machine-paths", "unfinished"]) holds(rule, unwantedFindings(python, rule));
  const long = `"""A."""\ndef f(a, b, c, d, e):\n${"    f()\n".repeat(60)}`;
  assert.deepEqual(
    pythonFindings(pretend("python/x.py", long)).map(({ measured }) => measured),
    [61],
  );
});

test("comments, strings and documents use no retired words", () => {
  const read = [...sources, ...readOtherTexts()].filter(({ path }) => isKept(path));
  holds("retired-words", retiredFindings(read));
});

test("tests, benchmarks and scripts make temporary folders by one piece", () => {
  holds("temporary-folders", unwantedFindings(sources, "temporary-folders"));
  const old = pretend("bench/x.ts", `const a = mkd${"temp"}Sync(join(tmpdir(), "a-"));`);
  assert.equal(unwantedFindings(old, "temporary-folders").length, 1);
});

test("properties are tried with one seed for all", () => {
  holds("seeds", unwantedFindings(sources, "seeds"));
  const own = pretend("src/x.test.ts", `import fc from "fast${"-"}check";`);
  assert.equal(unwantedFindings(own, "seeds").length, 1);
});

test("what only ends a test that hangs has as long as a busy machine may take", () => {
  holds("short-waits", unwantedFindings(sources, "short-waits"));
  const found = (text: string) => unwantedFindings(pretend("src/x.test.ts", text), "short-waits");
  assert.equal(found(`const limits = { connect${"Ms: 5_000"} };`).length, 1);
  assert.equal(found(`const endMs = performance.now${"() + 60_000"};`).length, 1);
  assert.equal(found(`const limits = { answer${"Ms: 300"} };`).length, 0, "one that is to end");
});

test("no process of the product loads fetch with Node's HTTP module", () => {
  holds("http-imports", httpFindings(sources));
  const find = (text: string) => httpFindings(pretend("src/x.ts", text)).length;
  assert.equal(find(`import { request } from "node:http";`), 1);
  assert.equal(find(`import http from "node:http";`), 1);
  assert.equal(
    find(`import { type Agent } from "node:http"; import type { Server } from "node:http";`),
    0,
  );
});

test("no list of any length is spread into arguments", () => {
  holds("spread-arguments", unwantedFindings(sources, "spread-arguments"));
});

/** A source of a file that does not exist, to show that the rules can fail. */
function pretend(path: string, text: string): Source[] {
  return [{ path, text, lines: text.split("\n"), isTest: /test/.test(path) }];
}

test("the import rules find what they forbid", () => {
  const find = (path: string, text: string) => layerFindings(pretend(path, text)).length;
  assert.equal(find("src/core/x.ts", `import { a } from "./job.ts";`), 0);
  assert.equal(find("src/core/x.ts", `import { a } from "../wire/codec.ts";`), 1);
  assert.equal(find("src/core/x.ts", `import fs from "node:fs";`), 1);
  assert.equal(find("src/wire/a/x.ts", `export * from "../../link/link.ts";`), 1);
  assert.equal(find("src/worker/x.ts", `const a = await import("../cli/main.ts");`), 1);
  assert.equal(find("src/elsewhere/x.ts", "export {};"), 1);
  assert.equal(find("sim/x.ts", `import { a } from "../src/worker/loop.ts";`), 0);
  assert.equal(find("sim/x.ts", `import { a } from "../src/cli/main.ts";`), 1);
  assert.equal(find("src/cli/x.ts", `import { a } from "../../sim/simulate.ts";`), 1);
  assert.match(importProblem("src/sdk/x.ts", "sdk", "./job") ?? "", /without its extension/);
});

test("the circle rules find a circle of types, and one of rooms", () => {
  const find = (files: Record<string, string>) =>
    circleFindings(Object.entries(files).flatMap(([path, text]) => pretend(path, text))).map(
      ({ rule }) => rule,
    );
  const back = `import type { B } from "./b.ts";`;
  assert.deepEqual(find({ "src/core/a.ts": back, "src/core/b.ts": `export * from "./a.ts";` }), [
    "import-circles",
  ]);
  const [there, here] = [`import "../y/b.ts";`, `import "../x/c.ts";`];
  const rooms = { "src/cli/x/a.ts": there, "src/cli/y/b.ts": here, "src/cli/x/c.ts": "" };
  assert.deepEqual(find(rooms), ["room-circles"]);
  assert.deepEqual(find({ ...rooms, "src/cli/y/b.ts": "" }), []);
});

test("the size rules find what is too large", () => {
  const long = `function f() {\n${"  f();\n".repeat(60)}}`;
  assert.equal(shapeFindings(pretend("src/x.ts", long))[0]?.measured, 62);
  const wide = "const g = (a, b, c, d, e) => a;";
  assert.equal(shapeFindings(pretend("src/x.ts", wide))[0]?.where, "src/x.ts g");
  const members = Array.from({ length: 9 }, (_, index) => `m${index}(): void;`).join("");
  assert.equal(shapeFindings(pretend("src/x.ts", `interface I { ${members} }`)).length, 1);
  assert.equal(fileFindings(pretend("src/x.ts", "\n".repeat(400))).length, 1);
});

test("the rules for words find unspecific names", () => {
  assert.deepEqual(wordsOf("readHTTPBlobUtil64"), ["read", "http", "blob", "util64"]);
  assert.equal(exportedNameFindings(pretend("src/x.ts", "export const readUtils = 1;")).length, 1);
  assert.equal(fileNameFindings(pretend("src/blob-helper.ts", "")).length, 1);
  assert.equal(firstLineFindings(pretend("src/x.ts", "import a from 'b';")).length, 1);
  const marks = `// TO${"DO"} later\nread("/ho${"me"}/me")\ntest.sk${"ip"}("x")`;
  for (const rule of ["unfinished", "machine-paths", "skips"]) {
    assert.equal(unwantedFindings(pretend("src/x.test.ts", marks), rule).length, 1, rule);
  }
});

test("the rule of retired words reads comments, strings and documents, but no code", () => {
  const find = (path: string, text: string) => retiredFindings(pretend(path, text)).length;
  const word = `no${"body"}`;
  assert.equal(find("src/x.ts", `/** Asked of ${word}. */`), 1);
  assert.equal(find("src/x.ts", `const a = "asked of ${word}";`), 1);
  assert.equal(find("src/x.ts", `const a = \`asked of \${b} or ${word}\`;`), 1);
  assert.equal(find("src/x.ts", `/** in\n *  va${"in"} */`), 1);
  assert.equal(find("docs/x.md", `Asked\nof ${word}.`), 1);
  assert.equal(find("python/x.py", `"""Asked\nof ${word}."""\n${word} = 1  # ${word}\n`), 2);
  assert.equal(find("assembly/x.ts", `/** Asked\n *  of ${word}. */\n@${word}\n`), 1);
  assert.equal(find("src/x.ts", `/** See \`${word}\`. */ const ${word} = "${word}";`), 0);
  assert.equal(find("src/x.ts", "/** `simulate --seed 7`: the random seed 7 */"), 0);
});
