/** The web page of a checkout in which it was never built, or has changed since. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

type WebFolder = typeof import("../../src/cli/web-folder.ts");

/** A checkout of that module and this builder alone, in a folder of its own. */
async function checkout(t: TestContext, builder: string | null) {
  const root = temporaryDir(t, "tequio-page-");
  for (const folder of ["src/cli", "scripts/web"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  const module = join(root, "src/cli/web-folder.ts");
  copyFileSync(join(import.meta.dirname, "../../src/cli/web-folder.ts"), module);
  if (builder !== null) writeFileSync(join(root, "scripts/web/build-web.ts"), builder);
  const { builtWebFolder } = (await import(pathToFileURL(module).href)) as WebFolder;
  const lines: string[] = [];
  const folder = await builtWebFolder((line) => lines.push(line));
  return { folder, lines, root, again: () => builtWebFolder((line) => lines.push(line)) };
}

/** What it builds is current while there is no file `changed`, and fails while there is
 *  `broken`. */
const builder = `import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
const root = new URL("../../", import.meta.url);
const folder = new URL("dist/web/", root);
export const isBuilt = () => !existsSync(new URL("changed", root));
if (import.meta.main) {
  if (existsSync(new URL("broken", root))) throw new Error("no such style");
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL("index.html", folder), "<!doctype html>");
  rmSync(new URL("changed", root), { force: true });
}`;

test("it is built when it is first needed, with a line that says so", async (t) => {
  const { again, folder, lines, root } = await checkout(t, builder);
  assert.equal(folder, join(root, "dist/web/"));
  assert.deepEqual(lines, ["building the web page, which is done once …"]);
  assert.equal(await again(), folder);
  assert.equal(lines.length, 1);
});

test("it is built again when its sources have changed", async (t) => {
  const { again, folder, lines, root } = await checkout(t, builder);
  writeFileSync(join(root, "changed"), "");
  assert.equal(await again(), folder);
  assert.equal(await again(), folder);
  const changed = "building the web page, whose sources have changed …";
  assert.deepEqual(lines.slice(1), [changed]);
  writeFileSync(join(root, "changed"), "");
  writeFileSync(join(root, "broken"), "");
  assert.equal(await again(), folder);
  assert.equal(lines[2], changed);
  assert.match(lines[3] ?? "", /not be built, and is the one of before: .*no such style/);
});

test("a build that fails is reported, and the command goes on without a page", async (t) => {
  const { folder, lines } = await checkout(t, 'throw new Error("no vite here");');
  assert.equal(folder, null);
  assert.match(lines[1] ?? "", /^the web page could not be built: .*no vite here/);
});

test("without a builder there is nothing to build", async (t) => {
  const { folder, lines } = await checkout(t, null);
  assert.deepEqual([folder, lines], [null, []]);
});
