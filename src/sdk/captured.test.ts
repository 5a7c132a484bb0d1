/** Which variables a job may use, case by case. */
import assert from "node:assert/strict";
import test from "node:test";
import { parseSync } from "rolldown/experimental";
import { treeOf } from "../web/try/code/tree/tree.ts";
import type { SyntaxNode } from "./captured/tree.ts";
import { findCaptured } from "./captured.ts";

function captured(source: string): string[] {
  const whole = `import { mapReduce, tasks, text } from "tequio";\n${source}`;
  const parsed = parseSync("job.ts", whole, { lang: "ts" });
  assert.deepEqual(parsed.errors, [], source);
  const found = findCaptured(parsed.program as unknown as SyntaxNode, whole, "job.ts");
  // The web page has another parser, and must find the same at the same places.
  assert.deepEqual(findCaptured(treeOf(whole) as SyntaxNode, whole, "job.ts"), found);
  return found.map((c) => c.name);
}

/** A job whose map is `body`, after `head` at the module's level. */
function inMap(head: string, body: string): string {
  return `${head}\nexport default mapReduce({ map(line, emit, context) { ${body} } });`;
}

const allowed: ReadonlyArray<readonly [string, string]> = [
  ["parameters and locals", inMap("", "let n = 0; n++; emit(line, n)")],
  ["constants", inMap("const limit = 3;", "emit(line, limit)")],
  ["a let that is never assigned again", inMap("let limit = 3;", "emit(line, limit)")],
  ["regular expressions", inMap("const word = /[a-z]+/g;", "line.match(word)")],
  ["sets and maps of literals", inMap('const s = new Set(["a"]), m = new Map();', "s.has(m)")],
  ["constants made of constants", inMap("const a = 1; const b = [a, a * 2];", "emit(b)")],
  [
    "calls of pure functions",
    inMap("const d = double(2); function double(n) { return n * 2 }", "d"),
  ],
  ["Math but not its random", inMap("const r = Math.PI * Math.floor(2.5);", "r")],
  ["a fixed date", inMap("const t = Date.UTC(2024, 0, 1);", "t")],
  ["imports", inMap('import { x } from "./x.ts"; import * as y from "y";', "x(y)")],
  [
    "functions, also hoisted ones",
    inMap("", "later(line)").concat("function later(l) { return l }"),
  ],
  [
    "classes",
    inMap("class Box { n = 0; add(x) { this.n += x; return this } }", "new Box().add(1)"),
  ],
  ["enums", inMap("enum Level { Low = 1, High = Low + 1 }", "emit(Level.High)")],
  ["the clock inside the function", inMap("", "Date.now(); Math.random(); process.env")],
  ["a shadowing local", inMap("let n = 0; n++;", "const n = 1; emit(n)")],
  ["a shadowing parameter", inMap("let line = 0; line++;", "emit(line)")],
  ["a shadowing var, hoisted", inMap("let n = 0; n++;", "n = 1; if (line) { var n; }")],
  ["a shadowing function in a block", inMap("let f = 0; f++;", "{ function f() {} f() }")],
  ["destructuring that shadows", inMap("let a = 0; a++;", "const { b: { a } = {} } = line; a")],
  ["array patterns that shadow", inMap("let a = 0; a++;", "const [, ...a] = line; a")],
  ["a catch parameter", inMap("let e = 0; e++;", "try {} catch (e) { e } ")],
  ["a loop variable", inMap("let i = 0; i++;", "for (let i = 0; i < 9; i++) emit(i)")],
  ["a for-of variable", inMap("let w = 0; w++;", "for (const w of line) emit(w)")],
  ["labels", inMap("let out = 0; out++;", "out: for (;;) { continue out; }")],
  ["property names", inMap("let n = 0; n++;", "emit(line.n, { n: 1, n() {} })")],
  ["class members", inMap("let n = 0; n++;", "new (class { n = 1; get() { return this.n } })()")],
  ["types", inMap("let n = 0; n++;", "const x: typeof n = 1 as typeof n; emit(x)")],
  ["a type and an interface", inMap("interface T { a: number } type U = T;", "const t: U = line")],
  ["nested functions", inMap("", "let n = 0; const add = () => { n++ }; add()")],
  ["default parameters", inMap("", "const f = (a, b = a) => b; f(1)")],
  ["a recursive function expression", inMap("", "(function f(n) { return f(n - 1) })(3)")],
  ["mutual recursion", inMap("const a = () => b(); const b = () => a();", "a()")],
  [
    "variables that only the items need",
    "let n = 3; n = 4; export default tasks({ items: () => [n, process.pid], run: (i) => i });",
  ],
  ["a name that no job function uses", inMap("const home = process.env.HOME; home;", "emit(line)")],
  [
    "functions kept in a table",
    inMap("const t = { a: (x) => x, b: later };\nfunction later() {}", "t.a"),
  ],
  [
    "an object of another module's job",
    "let n = 0; n++; other({ map() { n } }); function other() {}",
  ],
];

for (const [what, source] of allowed) {
  test(`a job may use ${what}`, () => assert.deepEqual(captured(source), []));
}

const refused: ReadonlyArray<readonly [string, string, readonly string[]]> = [
  ["a let assigned later", inMap("let limit = 3; limit = 4;", "limit"), ["limit"]],
  ["a var assigned later", inMap("var limit; limit = 4;", "limit"), ["limit"]],
  ["a var declared twice", inMap("var limit = 1; var limit = 2;", "limit"), ["limit"]],
  ["a counter outside", inMap("let n = 0;", "n++"), ["n"]],
  [
    "an assignment in a pattern",
    inMap("let a = 0, b = 0;", "[a, { x: b = 1 }] = line"),
    ["a", "b"],
  ],
  ["a for-of target", inMap("let w;", "for (w of line) emit(1)"), ["w"]],
  ["shorthand", inMap("let n = 0; n++;", "emit(line, { n })"), ["n"]],
  ["computed keys", inMap("let n = 0; n++;", "emit({ [n]: 1 }, line[n])"), ["n"]],
  ["a default parameter", inMap("let n = 0; n++;", "const f = (a = n) => { var n; }; f()"), ["n"]],
  ["a template", inMap("let n = 0; n++;", "emit(`$" + "{n}`)"), ["n"]],
  ["the environment", inMap("const home = process.env.HOME;", "emit(home)"), ["home"]],
  ["a destructured environment", inMap("const { HOME: home } = process.env;", "home"), ["home"]],
  ["the clock", inMap("const t = Date.now();", "emit(t)"), ["t"]],
  ["a new Date", inMap("const t = new Date();", "emit(t)"), ["t"]],
  ["chance", inMap("const r = Math.random();", "emit(r)"), ["r"]],
  ["chance by another name", inMap('const r = Math["random"]();', "emit(r)"), ["r"]],
  ["chance in a callback", inMap("const r = [1].map(() => Math.random());", "r"), ["r"]],
  ["await", inMap("const t = await load(); async function load() {}", "t"), ["t"]],
  ["import.meta", inMap("const u = import.meta.url;", "u"), ["u"]],
  ["fetch", inMap('const p = fetch("http://x");', "p"), ["p"]],
  ["the global object", inMap("const g = globalThis.x;", "g"), ["g"]],
  ["crypto", inMap("const id = crypto.randomUUID();", "id"), ["id"]],
  ["require", inMap('const x = require("x");', "x"), ["x"]],
  ["a place through a constant", inMap("const e = process.env; const h = e.H;", "h"), ["h"]],
  [
    "a place through a call",
    inMap("const n = now(); function now() { return Date.now() }", "n"),
    ["n"],
  ],
  ["a place in an object", inMap("const o = { at: performance.now() };", "o.at"), ["o"]],
  ["a place in a static field", inMap("class C { static at = Date.now() }", "C.at"), ["C"]],
  ["what a helper captures", inMap("let n = 0; function next() { return n++ }", "next()"), ["n"]],
  ["what an arrow helper captures", inMap("let n = 0; const next = () => n++;", "next()"), ["n"]],
  [
    "what a method captures",
    inMap("let n = 0; class C { next() { return n++ } }", "new C()"),
    ["n"],
  ],
  [
    "what a table's function captures",
    inMap("let n = 0; const t = { f: () => n++ };", "t.f()"),
    ["n"],
  ],
  ["the parameter of a function around", wrapped("limit", "emit(limit)"), ["limit"]],
  ["a constant of a function around", wrapped("a", "emit(b)", "const b = a;"), ["b"]],
  [
    "a closure made by a factory",
    "const longer = (n) => (line) => line.length > n;\n" +
      "export default mapReduce({ map: longer(3) });",
    ["n"],
  ],
  [
    "a function defined elsewhere",
    "let n = 0;\nfunction count(line) { n++ }\nexport default mapReduce({ map: count });",
    ["n"],
  ],
  [
    "options defined elsewhere, spread",
    "let n = 0;\nconst base = { combine: (a, b) => a + n++ };\n" +
      "const options = { ...base, map() {} };\nexport default mapReduce(options);",
    ["n"],
  ],
  [
    "each function of a job",
    "let a = 0, b = 0, c = 0; a = b = c = 1;\n" +
      "export default mapReduce({ map() {}, combine: () => a, reduce() { b }, " +
      "partition: () => c });",
    ["a", "b", "c"],
  ],
  [
    "the maps of several inputs",
    "let n = 0;\nexport default mapReduce({ inputs: { users: { map() { n++ } } } });",
    ["n"],
  ],
  [
    "run of a list of tasks",
    "let n = 0;\nexport default tasks({ items: [1], run: () => n++ });",
    ["n"],
  ],
  [
    "a job through other imports",
    'import * as t from "tequio"; let n = 0;\nexport default t.mapReduce({ map() { n++ } });',
    ["n"],
  ],
];

function wrapped(parameter: string, body: string, before = ""): string {
  const job = `mapReduce({ map(line, emit) { ${body} } })`;
  return `function build(${parameter}) { ${before} return ${job}; }\nexport default build(3);`;
}

for (const [what, source, names] of refused) {
  test(`a job may not use ${what}`, () => assert.deepEqual(captured(source), names));
}

test("the error says who uses what, why, and what to do", () => {
  const source = `import { mapReduce } from "tequio";
let limit = 3;
export default mapReduce({
  map(line, emit) {
    if (line.length > limit) emit(line, 1);
  },
});
limit = 4;`;
  const { program } = parseSync("job.ts", source, { lang: "ts" });
  const [problem] = findCaptured(program as unknown as SyntaxNode, source, "job.ts");
  assert.deepEqual([problem?.line, problem?.column], [5, 23]);
  assert.equal(
    problem?.text,
    'map uses "limit", which is assigned at line 8, so that each worker would see its own value. ' +
      "Only parameters travel to the workers: put it in `params` and read `context.params.limit`",
  );
});
