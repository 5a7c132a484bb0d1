/** Functions inside functions of a job: variables of the outer one are the job's own, unless the
 *  outer one has run before the job began. */
import assert from "node:assert/strict";
import test from "node:test";
import { parseSync } from "rolldown/experimental";
import { treeOf } from "../../web/try/code/tree/tree.ts";
import { findCaptured } from "../captured.ts";
import type { SyntaxNode } from "./tree.ts";

/** Names refused in a job whose `run` is `body`, after `head` at the module's level. */
function captured(head: string, body: string): string[] {
  const source = `import { tasks } from "tequio";\n${head}
export default tasks({ items: [1], run: (item) => { ${body} } });`;
  const parsed = parseSync("job.ts", source, { lang: "ts" });
  assert.deepEqual(parsed.errors, [], source);
  const found = findCaptured(parsed.program as unknown as SyntaxNode, source, "job.ts");
  // The web page has another parser, and must find the same at the same places.
  assert.deepEqual(findCaptured(treeOf(source) as SyntaxNode, source, "job.ts"), found);
  return found.map(({ name }) => name);
}

const allowed: ReadonlyArray<readonly [what: string, head: string, body: string]> = [
  [
    "a promise's own resolve in a timer",
    "const P = { a: () => new Promise((r) => { setTimeout(() => r(1), 1); }) };",
    "return P.a()",
  ],
  ["parameters, in an array", "const t = [(a) => () => a];", "t[0](1)()"],
  [
    "a local that a callback counts",
    "const o = Object.freeze({ f(x) { let n = 0; x.forEach(() => n++); return n; } });",
    "o.f([1])",
  ],
  [
    "parameters, in a Map",
    "const m = new Map([['a', (x) => [x].filter((y) => y === x)]]);",
    "m.get('a')(1)",
  ],
  [
    "what a class in an object is given",
    "const o = { C: class { run(a) { return [1].map((x) => x + a); } } };",
    "new o.C().run(1)",
  ],
  [
    "a generator's loop variable",
    "const o = { *g(n) { for (let i = 0; i < n; i++) yield () => i; } };",
    "o.g(2)",
  ],
  [
    "a constant of an async generator",
    "const o = { async *g(n) { const x = await n; yield () => x; } };",
    "o.g(2)",
  ],
  [
    "what was caught",
    "const o = { f() { try { throw 1 } catch (e) { return () => e } } };",
    "o.f()",
  ],
  [
    "what was caught, in a pattern",
    "const o = { f() { try { throw 1 } catch ({ message, ...rest }) {\n" +
      "return () => [message, rest] } } };",
    "o.f()",
  ],
  ["default parameters", "const o = { f: (a, b = () => a, { c = b } = {}) => () => c };", "o.f()"],
  [
    "destructured parameters",
    "const o = { f: ({ a: [b, ...c], ...d }) => () => [b, c, d] };",
    "o.f({})",
  ],
  [
    "a hoisted var",
    "const o = { f() { g(); function g() { v = 1; } var v; return () => v; } };",
    "o.f()",
  ],
  [
    "a named function expression",
    "const o = { f: function rec(n) { return () => rec(n - 1); } };",
    "o.f(1)",
  ],
  [
    "a label of a parameter's name",
    "const o = { f(x) { x: for (;;) { (() => x)(); break x; } } };",
    "o.f(1)",
  ],
  ["one of two functions", "const f = Math.PI > 3 ? (a) => () => a : (b) => () => b;", "f(1)"],
  ["a getter's constant", "const o = { get f() { const z = 1; return () => z; } };", "o.f"],
  ["an enum's member", "const o = { f(a) { enum E { A = 1 } return () => E.A + a } };", "o.f()"],
  ["a block's variable", "const o = { f(a) { { let y = a; y++; return () => y } } };", "o.f()"],
  [
    "loop variables in timers",
    "const o = { f(a) { for (const k in a) { setTimeout(() => k); }\n" +
      "for (let i = 0, n = a; i < n; i++) queueMicrotask(() => i); } };",
    "o.f()",
  ],
  [
    "variables of a switch",
    "const o = { f(a) { switch (a) { case 1: { let z = 1; return () => z }\n" +
      "default: const w = 2; return () => w; } } };",
    "o.f()",
  ],
  [
    "a tagged template's parts",
    "const o = { f: (s, ...v) => v.map((x) => s.raw[0] + x) };",
    "o.f`a`",
  ],
  ["deep functions", "const o = { a: { b: (x) => (y) => (z) => x + y + z } };", "o.a.b(1)(2)(3)"],
  ["a bound function", "const o = { f: function (a) { return () => a }.bind(null) };", "o.f()"],
  ["a constant of a function that ran", "const f = ((n) => (x) => x + n)(3);", "f(1)"],
  [
    "a table that a function has filled",
    "const t = (() => { let n = 0; const m = {};\n" +
      "['a'].forEach((k) => { m[k] = n++; }); return m; })();",
    "t.a",
  ],
];

for (const [what, head, body] of allowed) {
  test(`functions inside a job's functions may use ${what}`, () => {
    assert.deepEqual(captured(head, body), []);
  });
}

const refused: ReadonlyArray<readonly [what: string, head: string, body: string]> = [
  [
    "a counter of a function that ran",
    "const f = (() => { let n = 0; return () => n++; })();",
    "f()",
  ],
  [
    "a counter in an object",
    "const f = (() => { let n = 0; return { next: () => n++ }; })();",
    "f.next()",
  ],
  [
    "a counter of a named function that ran",
    "const f = make();\nfunction make() { let n = 0; const next = () => { n++ }; return next; }",
    "f()",
  ],
  ["a variable two functions above", "let n = 0; n++; const o = { f: () => () => n };", "o.f()"],
];

for (const [what, head, body] of refused) {
  test(`functions inside a job's functions may not use ${what}`, () => {
    assert.deepEqual(captured(head, body), ["n"]);
  });
}
