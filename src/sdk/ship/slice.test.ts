/** What of a module travels with a function: its own lines, what it uses, and nothing else. */
import assert from "node:assert/strict";
import test from "node:test";
import { parseSync } from "rolldown/experimental";
import { ClusterError } from "../../core/error.ts";
import { parseModule } from "../build/parse-module.ts";
import { sliceModule } from "./slice.ts";

/** The slice for the functions whose parameters `¦` marks. */
function sliced(marked: string): string {
  const offsets: number[] = [];
  let source = marked;
  for (let at = source.indexOf("¦"); at !== -1; at = source.indexOf("¦")) {
    offsets.push(at);
    source = source.slice(0, at) + source.slice(at + 1);
  }
  const parse = parseModule(parseSync);
  const program = parse("program.js", source);
  assert.ok(program !== null);
  const roots = offsets.map((offset, n) => ({ role: `f${n}`, offset }));
  return sliceModule({ path: "/there/program.js", source, program }, roots, () => null);
}

function lines(marked: string): string[] {
  return sliced(marked)
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
}

function refusal(marked: string): string {
  try {
    return `nothing refused: ${sliced(marked)}`;
  } catch (error) {
    assert.ok(error instanceof ClusterError && error.code === "build-failed", String(error));
    return error.text;
  }
}

test("a function travels with what it uses, at its own lines, and nothing runs beside it", () => {
  const source = [
    'import { a, b } from "./other.js";',
    "const limit = 3, cluster = await connect();",
    "sideEffect();",
    "function helper(x) { return a(x) + limit; }",
    "await cluster.map(items, ¦(x) => helper(x));",
  ].join("\n");
  assert.deepEqual(
    sliced(source)
      .split("\n")
      .slice(0, 5)
      .map((line) => line.trimEnd()),
    [
      'import { a, b } from "./other.js";;',
      "const limit = 3;",
      "",
      "function helper(x) { return a(x) + limit; };",
      "const tequioFunction0 = ((x) => helper(x));",
    ],
  );
  assert.ok(sliced(source).endsWith("export { tequioFunction0 as function0 };\n"));
});

test("functions are found in whatever way they are written", () => {
  const cases: ReadonlyArray<readonly [source: string, first: string]> = [
    ["const f = ¦x => x;", "const f = x => x;"],
    ["export const f = ¦async x => x;", "const f = async x => x;"],
    ["function f¦(x) {}", "function f(x) {};"],
    ["export default function f¦(x) {}", "function f(x) {};"],
    ["run(function¦ (x) {});", "const tequioFunction0 = (function (x) {});"],
    ["run({ map¦(line) {} });", 'const tequioFunction0 = ({map(line) {}})["map"];'],
    [
      "run({ async *'a b'¦(line) {} });",
      "const tequioFunction0 = ({async *'a b'(line) {}})['a b'];",
    ],
    ["run({ map: ¦(line) => {} });", "const tequioFunction0 = ((line) => {});"],
    ["function main() { function f¦(x) {} run(f); }", "function f(x) {};"],
    ["const outer = () => ¦x => x;", "const tequioFunction0 = (x => x);"],
  ];
  for (const [source, first] of cases) assert.equal(lines(source)[0]?.trim(), first, source);
});

test("a function may call itself, and one that is given twice travels once", () => {
  assert.deepEqual(lines("const fib = ¦n => n < 2 ? n : fib(n - 1) + fib(n - 2);"), [
    "const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);",
    "export { fib as function0 };",
  ]);
});

test("names that the program uses already are not taken", () => {
  const [first] = lines("const tequioFunction0 = 1; run(¦x => tequioFunction0);");
  assert.match(first!, /const tequioFunction0 = 1;\s*const tequioFunction_0 = \(x/);
});

test("what would be another value on a worker is named, with its place", () => {
  assert.match(
    refusal("function main(n) { run(¦x => x + n); }"),
    /^program\.js:1:33: f0 uses "n", which is a variable of the function "main"/,
  );
  assert.match(refusal("let n = 0; run(¦x => n++);"), /"n", which is assigned at line 1/);
  assert.match(
    refusal("const n = await 1; run(¦x => n);"),
    /"n", which depends on where it runs \(`await`\)/,
  );
  assert.match(refusal("for (const n of [1]) { run(¦x => n); }"), /"n" is a variable of a block/);
  assert.match(refusal("run(¦x => this.n);"), /f0 uses `this` of the code around it/);
  assert.match(
    refusal("class A { static f¦(x) {} }"),
    /f0 is a method; give a function that calls it/,
  );
  assert.match(refusal("class A { f = 1 ¦}"), /f0 is a class or generated code/);
});

test("a function inside another one that travels has no place of its own", () => {
  const source = "function outer() { function inner¦(x) {} } run(¦x => outer());";
  assert.match(refusal(source), /"inner" is used from outside, and what is around it travels/);
  const twins = "function f() { function g() {} run(¦x => g()); } function g() {} run(¦x => g());";
  assert.match(refusal(twins), /"g" is used from outside, and two functions have its name/);
});
