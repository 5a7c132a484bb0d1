/** What can be bundled, and how each thing that cannot is refused. */
import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDir } from "../store/testing/at-end.ts";
import { bundleJob } from "./bundle.ts";

const head = 'import { type Emit, mapReduce } from "tequio";\n';
const job =
  "export default mapReduce({ map(l: string, emit: Emit<string, 1>) { emit(l, 1); } });\n";

async function project(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = temporaryDir(t, "bundle-test-");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

test("files, JSON and packages of the project become one module", async (t) => {
  const folder = await project(t, {
    "job.ts": `${head}import { a } from "./lib/a.ts";\nimport d from "./d.json";\nimport p from "p";
export default mapReduce({ params: { a, d, p: p.v }, map(l: string) { l; } });`,
    "lib/a.ts": "export const a: number = 5;",
    "d.json": '{"n":[1]}',
    "node_modules/p/package.json": '{"name":"p","main":"p.js"}',
    "node_modules/p/p.js": "module.exports = { v: 42 };",
  });
  const built = await bundleJob(join(folder, "job.ts"));
  assert.deepEqual(built.job.options.params, { a: 5, d: { n: [1] }, p: 42 });
  assert.equal(/^import /m.test(built.code), false);
  assert.match(built.code, /sourceMappingURL=data:/);
});

test("the same source gives the same hash in every folder, and names no place", async (t) => {
  const files = {
    "job.ts": `${head}import { a } from "./a.ts";\na;\n${job}`,
    "a.ts": "export let a = 1;",
  };
  const [one, other] = [await project(t, files), await project(t, { ...files, "x/y.ts": "" })];
  const first = await bundleJob(join(one, "job.ts"));
  const second = await bundleJob(join(other, "job.ts"));
  assert.equal(first.hash, second.hash);
  const map = Buffer.from(first.code.split("base64,")[1] ?? "", "base64").toString();
  const { sources } = JSON.parse(map) as { sources: string[] };
  assert.ok(sources.includes("job.ts"), map.slice(0, 300));
  for (const text of [first.code, map]) {
    assert.equal(text.includes(one) || text.includes(process.cwd()), false);
  }
});

test("plain JavaScript is a job file as well", async (t) => {
  const folder = await project(t, {
    "job.mjs":
      'import { tasks } from "tequio";\nexport default tasks({ items: [1], run: (i) => i });',
  });
  assert.equal((await bundleJob(join(folder, "job.mjs"))).job.kind, "tasks");
});

const refused: ReadonlyArray<readonly [string, string, RegExp]> = [
  [
    "a syntax error",
    "export default {\n  a: ,\n};",
    /^build-failed: job\.ts:2:6: Unexpected token\n.*> +2 \|/s,
  ],
  [
    "a missing file",
    'import "./nope.ts";\nexport default 1;',
    /job\.ts:1:8: cannot find \.\/nope\.ts/,
  ],
  [
    "a missing package",
    'import "nopkg";\nexport default 1;',
    /job\.ts:1:8: cannot find the package nopkg/,
  ],
  [
    "a missing export",
    'import { b } from "./a.ts";\nexport default b;',
    /job\.ts:1:10: "b" is not/,
  ],
  [
    "a Node module",
    `${head}import "node:fs";\n${job}`,
    /job\.ts:2:8: import of node:fs cannot be shipped/,
  ],
  [
    "a Node module by its short name",
    'export { sep as default } from "path";',
    /import of path cannot/,
  ],
  [
    "a Node module asked for later",
    `${head}import("fs");\n${job}`,
    /job\.ts:2:8: import of fs cannot/,
  ],
  [
    "a Node module in another file",
    'import "./lib/b.ts";\nexport default 1;',
    /lib\/b\.ts:1:8: import of/,
  ],
  [
    "an import from the net",
    'import "https://x/y.js";\nexport default 1;',
    /only files and npm packages/,
  ],
  [
    "no default export",
    "export const a = 1;",
    /job\.ts has no default export: write `export default/,
  ],
  [
    "a default export that is no job",
    "export default 3;",
    /job\.ts: the default export is not a job/,
  ],
  [
    "a wrong option",
    `${head}export default mapReduce({ map: 3 as any });`,
    /`map` must be a function/,
  ],
  [
    "an unknown option",
    `${head}export default mapReduce({ map() {}, reducer() {} } as any);`,
    /unknown option "reducer"; known are/,
  ],
  [
    "a captured variable",
    `${head}let limit = 1;\nlimit++;\nexport default mapReduce({ map() { limit; } });`,
    /^build-failed: job\.ts:4:36: map uses "limit", which is assigned at line 3/,
  ],
  [
    "code that throws",
    `${head}const o = null as any;\no.x;\n${job}`,
    /job\.ts:3:3: .*threw.*TypeError/,
  ],
];

for (const [what, source, message] of refused) {
  test(`${what} is refused`, async (t) => {
    const folder = await project(t, {
      "job.ts": source,
      "a.ts": "export const a = 1;",
      "lib/b.ts": 'import "node:net";',
    });
    await assert.rejects(bundleJob(join(folder, "job.ts")), { code: "build-failed", message });
  });
}

test("what modules beside the job file capture is refused with their name and line", async (t) => {
  const beside = {
    "lib/state.ts":
      "export let seen = 0;\nexport const at = Date.now();\nexport const max = 3;\n" +
      "export function next(): number {\n  return seen++;\n}",
    "lib/all.ts": 'export { next as step } from "./state.ts";\nexport * from "./state";',
    "lib/map.ts": 'import { at } from "./state.ts";\nexport default (l: string) => l + at;',
  };
  const inMap = (names: string, body: string) =>
    `${head}import ${names};\nexport default mapReduce({ map(l: string) { ${body} } });`;
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    [
      inMap('{ seen } from "./lib/state.ts"', "seen"),
      /^build-failed: job\.ts:3:45: map uses "seen", which is assigned at line 5 of lib/,
    ],
    [inMap('{ at as then } from "./lib/all"', "then"), /map uses "then", which depends .*`Date`/],
    [
      inMap('{ step } from "./lib/all.ts"', "step()"),
      /^build-failed: lib\/state\.ts:5:10: "next" \(used by map\) uses "seen", which is assigned/,
    ],
    [
      `${head}import map from "./lib/map.ts";\nexport default mapReduce({ map });`,
      /^build-failed: lib\/map\.ts:2:35: "default" \(used by map\) uses "at", which depends on/,
    ],
  ];
  for (const [source, message] of cases) {
    const folder = await project(t, { ...beside, "job.ts": source });
    await assert.rejects(bundleJob(join(folder, "job.ts")), { code: "build-failed", message });
  }
  const allowed = inMap('{ max, next } from "./lib/all.ts"', "max").replace(
    "{ map",
    "{ params: { n: next() }, map",
  );
  await bundleJob(join(await project(t, { ...beside, "job.ts": allowed }), "job.ts"));
});

test("modules that import and re-export each other in circles are read to an end", async (t) => {
  const folder = await project(t, {
    "job.ts": `${head}import { a } from "./a.ts";\nexport default mapReduce({ map() { a(); } });`,
    "a.ts":
      'import { b } from "./b.ts";\nexport * from "./b.ts";\nexport const a = (): number => b();',
    "b.ts":
      'import { a } from "./a.ts";\nexport * from "./a.ts";\nlet n = 0;\n' +
      "export function b(): number {\n  n++;\n  return a();\n}",
  });
  const message = /^build-failed: b\.ts:5:3: "b" \(used by map\) uses "n"/;
  await assert.rejects(bundleJob(join(folder, "job.ts")), { code: "build-failed", message });
});

test("a job file that is not there, a folder or of another type is a bad request", async (t) => {
  const folder = await project(t, { "dir.ts/x": "", "job.rb": "" });
  for (const [name, message] of [
    ["no.ts", /there is no such file/],
    ["dir.ts", /it is a directory/],
    ["job.rb", /must end in \.js, \.mjs, \.ts, \.mts, \.py/],
  ] as const) {
    await assert.rejects(bundleJob(join(folder, name)), { code: "bad-request", message });
  }
});

test("what operators refuse is reported at its line of the job", async (t) => {
  const folder = await project(t, {
    "job.ts":
      'import { text } from "tequio";\n\nexport default text.csv(["a"]).by("b" as "a").count();\n',
  });
  const message = /^build-failed: job\.ts:3:32: .*no column "b"/;
  await assert.rejects(bundleJob(join(folder, "job.ts")), { code: "build-failed", message });
});

test("loading a job leaves no file behind", async (t) => {
  const before = (await readdir(tmpdir())).filter((n) => n.startsWith("tequio-job-"));
  const folder = await project(t, { "job.ts": head + job });
  await bundleJob(join(folder, "job.ts"));
  const after = (await readdir(tmpdir())).filter((n) => n.startsWith("tequio-job-"));
  assert.deepEqual(
    after.filter((n) => !before.includes(n)),
    [],
  );
});
