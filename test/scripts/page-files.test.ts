/** What the web page is made of: when it is built again, and when not. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { buildWeb } from "../../scripts/web/build-web.ts";
import { filesText, isCurrent } from "../../scripts/web/page-files.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

/** Files that are older than the build. */
function sources(t: TestContext) {
  const root = temporaryDir(t, "tequio-page-");
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    utimesSync(join(root, path), 1, 1);
  };
  for (const path of ["src/page.ts", "src/style.css", "src/other.ts"]) write(path, path);
  for (const path of ["tsconfig.json", "node_modules/a/a.js"]) write(path, "{}");
  return { root, write };
}

test("a change of a file that the page is made of is seen, of another file not", (t) => {
  const { root, write } = sources(t);
  const read = ["src/page.ts", "src/style.css?inline", "node_modules/a/a.js"];
  const files = [...read.map((path) => join(root, path)), "\0virtual:code", "/elsewhere.ts"];
  const text = filesText(root, files, Date.now());
  const named = text.match(/\S+$/gm);
  assert.deepEqual(named, ["src/page.ts", "src/style.css", "tsconfig.json"]);
  assert.equal(isCurrent(root, text), true);
  write("src/other.ts", "changed");
  assert.equal(isCurrent(root, text), true);
  for (const path of ["src/page.ts", "src/style.css", "tsconfig.json"]) {
    const was = readFileSync(join(root, path), "utf8");
    write(path, "changed");
    assert.equal(isCurrent(root, text), false, path);
    write(path, was);
    assert.equal(isCurrent(root, text), true, path);
  }
  rmSync(join(root, "src/page.ts"));
  assert.equal(isCurrent(root, text), false);
});

test("what changes while it is read is not known, nor what an older build wrote", (t) => {
  const { root } = sources(t);
  utimesSync(join(root, "src/page.ts"), 3, 3);
  assert.equal(isCurrent(root, filesText(root, [join(root, "src/page.ts")], 2_000)), false);
  assert.equal(isCurrent(root, filesText(root, [join(root, "src/style.css")], 2_000)), true);
  for (const text of ["", "\n", "0".repeat(64)]) assert.equal(isCurrent(root, text), false);
});

test("the page knows what is in its Workers, its sandbox, its report and its types", async () => {
  const text = readFileSync(join(await buildWeb(), "sources.sha256"), "utf8");
  const files = new Set(text.match(/\S+$/gm));
  for (const path of [
    "src/web/index.html",
    "src/web/main.tsx",
    "src/web/styles/page.css",
    "src/worker/browser/tab/main.ts",
    "src/worker/browser/task/main.ts",
    "src/worker/browser/node-shims/fs.ts",
    "src/web/sandbox.html",
    "src/web/sandbox/workers.ts",
    "src/web/report/report.html",
    "src/web/report/main.tsx",
    "src/sdk/page/main.ts",
    "src/sdk/job.ts",
    "src/core/job.ts",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "scripts/browsers/tab-code.ts",
    "scripts/web/build-web.ts",
    "scripts/web/try-code.ts",
  ]) {
    assert.ok(files.has(path), path);
  }
  const others = [...files].filter((path) => /^src\/(cli|coordinator|gateway|peer)\//.test(path));
  assert.deepEqual(others, []);
});
