/** Builds on the disk of the user: when a kept one counts, and how many there are. */
import assert from "node:assert/strict";
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { keptBuilds } from "./kept-builds.ts";

function setUp(t: TestContext) {
  const folder = temporaryDir(t, "kept-builds-");
  const before = process.env.TEQUIO_CACHE;
  process.env.TEQUIO_CACHE = folder;
  t.after(() => {
    if (before === undefined) delete process.env.TEQUIO_CACHE;
    else process.env.TEQUIO_CACHE = before;
  });
  const module = join(folder, "module.ts");
  writeFileSync(module, "1");
  const built = join(folder, "built");
  let builds = 0;
  const build = async (name: string) => {
    const code = `${name} ${++builds}`;
    return (await keptBuilds(name, async () => ({ code, files: [module] })))?.code;
  };
  const all = () => readdirSync(built).map((name) => join(built, name));
  return { build, module, all };
}

test("a build is kept until a file that went into it changes", async (t) => {
  const { build, module } = setUp(t);
  assert.equal(await build("a"), "a 1");
  assert.equal(await build("a"), "a 1");
  writeFileSync(module, "12");
  assert.equal(await build("a"), "a 3");
  assert.equal(await build("b"), "b 4");
});

test("what cannot be read is built again", async (t) => {
  const { all, build } = setUp(t);
  await build("a");
  const [path = ""] = all();
  // Others may not read what a user builds.
  assert.equal(statSync(path).mode & 0o077, 0);
  writeFileSync(path, "\0".repeat(100));
  assert.equal(await build("a"), "a 2");
  assert.equal(await build("a"), "a 2");
});

test("of many builds the newest are kept", async (t) => {
  const { all, build } = setUp(t);
  await build("oldest");
  const [oldest = ""] = all();
  utimesSync(oldest, 1, 1);
  for (let count = 0; count < 70; count++) await build(`number ${count}`);
  assert.equal(all().length, 64);
  assert.equal(all().includes(oldest), false);
  assert.equal(await build("number 69"), "number 69 71");
});
