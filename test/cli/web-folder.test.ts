/** The web page of a checkout in which it was never built. */
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

test("it is built when it is first needed, with a line that says so", async (t) => {
  const builder = `import { mkdirSync, writeFileSync } from "node:fs";
const folder = new URL("../../dist/web/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("index.html", folder), "<!doctype html>");`;
  const { again, folder, lines, root } = await checkout(t, builder);
  assert.equal(folder, join(root, "dist/web/"));
  assert.deepEqual(lines, ["building the web page, which is done once …"]);
  assert.equal(await again(), folder);
  assert.equal(lines.length, 1);
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
