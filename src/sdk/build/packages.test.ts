/** What npm packages ask of a bundler: each fixture is a package as those on the registry are. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { bundleJob } from "../bundle.ts";

type Package = { readonly manifest?: object; readonly files: Readonly<Record<string, string>> };

/** What the default export of the package is in a job that imports it. */
async function imported(t: TestContext, given: Package): Promise<unknown> {
  const folder = temporaryDir(t, "packages-test-");
  const source = `import { tasks } from "tequio";
    import value from "p";
    export default tasks({ params: { value }, items: [1], run: () => value });`;
  const all: Record<string, string> = { "job.ts": source };
  all["node_modules/p/package.json"] = JSON.stringify({ name: "p", ...given.manifest });
  for (const [name, text] of Object.entries(given.files)) all[`node_modules/p/${name}`] = text;
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const { job } = await bundleJob(join(folder, "job.ts"));
  return job.options.params?.value;
}

test("browser: { module: false } leaves that module out, as in seedrandom and bn.js", async (t) => {
  const value = await imported(t, {
    manifest: { main: "p.js", browser: { crypto: false } },
    files: { "p.js": `module.exports = Object.keys(require("crypto")).length;` },
  });
  assert.equal(value, 0);
});

test("browser: a file is the package's entry, as in papaparse", async (t) => {
  const value = await imported(t, {
    manifest: { main: "p.js", browser: "p.min.js" },
    files: { "p.js": `module.exports = "for Node";`, "p.min.js": `module.exports = "for all";` },
  });
  assert.equal(value, "for all");
});

test("browser: a file takes the place of another one of the package", async (t) => {
  const value = await imported(t, {
    manifest: { main: "p.js", browser: { "./random.js": "./random-browser.js" } },
    files: {
      "p.js": `module.exports = require("./random.js");`,
      "random.js": `module.exports = require("crypto").randomBytes(1).length;`,
      "random-browser.js": `module.exports = "real on every engine";`,
    },
  });
  assert.equal(value, "real on every engine");
});

test("exports: code for Workers comes first, then code for pages", async (t) => {
  const files = {
    "page.js": `export default "page";`,
    "worker.js": `export default "worker";`,
    "node.js": `import { sep } from "node:path"; export default sep;`,
  };
  const both = { worker: "./worker.js", browser: "./page.js", default: "./node.js" };
  const { worker: _, ...page } = both;
  assert.equal(await imported(t, { manifest: { exports: both }, files }), "worker");
  assert.equal(await imported(t, { manifest: { exports: page }, files }), "page");
});

test("a require in try of what is not there throws at run time, and is caught there", async (t) => {
  for (const absent of ["optional", "node:crypto", "fs"]) {
    const code = `
      let found = "nothing";
      try { found = require(${JSON.stringify(absent)}); } catch (error) { found = error.code; }
      module.exports = found;`;
    const value = await imported(t, { manifest: { main: "p.js" }, files: { "p.js": code } });
    assert.equal(value, "MODULE_NOT_FOUND", absent);
  }
});

test("an import() in try of what is not there rejects at run time", async (t) => {
  const code = `
    let found = "nothing";
    try { found = await import("optional"); } catch (error) { found = error.code; }
    export default found;`;
  const value = await imported(t, { manifest: { module: "p.js" }, files: { "p.js": code } });
  assert.equal(value, "MODULE_NOT_FOUND");
});

test("an import() whose rejection is handled rejects at run time", async (t) => {
  const handled = [
    `await import("optional").catch((error) => error.code)`,
    `await import("optional").then(() => "there", (error) => error.code)`,
    `await import("optional").then((module) => module.x).catch((error) => error.code)`,
    `await Promise.all([import("optional"), 1]).catch((error) => error.code)`,
    `await import("optional")?.catch((error) => error.code)`,
  ];
  for (const found of handled) {
    const files = { "p.js": `export default ${found};` };
    assert.equal(await imported(t, { manifest: { module: "p.js" }, files }), "MODULE_NOT_FOUND");
  }
  const bare = [
    `await import("optional")`,
    `await import("optional").then((module) => module.x)`,
    `await import("optional").finally(() => {})`,
    `await Promise.resolve().catch(() => import("optional"))`,
  ];
  for (const found of bare) {
    const files = { "p.js": `export default ${found};` };
    const built = imported(t, { manifest: { module: "p.js" }, files });
    await assert.rejects(built, /cannot find the package optional; install it/, found);
  }
});

test("a require of what is not there fails the build outside of try", async (t) => {
  const bare = [
    `module.exports = require("optional");`,
    `try { throw 1; } catch { module.exports = require("optional"); }`,
    `try { require("optional"); } finally { module.exports = 1; }`,
    `try { require("optional"); } catch {} require("optional");`,
  ];
  for (const code of bare) {
    await assert.rejects(
      imported(t, { manifest: { main: "p.js" }, files: { "p.js": code } }),
      /cannot find the package optional; install it/,
      code,
    );
  }
});

test("a package's module of Node throws where it is used, as in random-js", async (t) => {
  const used = (body: string) => ({
    manifest: { module: "p.js" },
    files: {
      "p.js": `import { randomFillSync } from "crypto";
        import * as fs from "fs";
        import os from "os";
        export const unused = () => [randomFillSync, fs.readFileSync, os.cpus];
        let caught = "fine";
        try { ${body} } catch (error) { caught = error.message; }
        export default caught;`,
    },
  });
  assert.equal(await imported(t, used("")), "fine");
  for (const [body, name] of [
    ["randomFillSync([])", "crypto.randomFillSync"],
    [`fs.readFileSync("x")`, "fs.readFileSync"],
    ["os.cpus()", "os.cpus"],
  ] as const) {
    const said = String(await imported(t, used(body)));
    assert.ok(said.startsWith(`${name}: job code has no modules of Node`), said);
  }
});

test("process.env.NODE_ENV is production, as immer and React ask", async (t) => {
  const ask = `process.env.NODE_ENV !== "production" ? "checks" : "no checks"`;
  const value = await imported(t, {
    manifest: { main: "p.js" },
    files: { "p.js": `module.exports = () => ${ask};` },
  });
  assert.match(String(value), /no checks/);
  assert.doesNotMatch(String(value), /process/);
});
