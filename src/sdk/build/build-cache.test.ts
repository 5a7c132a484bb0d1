/** Which builds are kept, and when a kept one counts. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { bundleJob } from "../bundle.ts";
import type { BuildCache, KeptBuild } from "./build-cache.ts";

/** A folder for job files, and a cache that keeps all it may: `builds` lists their builds, kept or
 *  not. */
function setUp(t: TestContext) {
  const folder = temporaryDir(t, "build-cache-");
  const kept = new Map<string, KeptBuild>();
  const builds: Array<KeptBuild | null> = [];
  const cache: BuildCache = async (name, find) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const found = await find();
    builds.push(found);
    if (found !== null) kept.set(name, found);
    return found;
  };
  const file = join(folder, "job.ts");
  const write = (text: string, name = "job.ts") => writeFileSync(join(folder, name), text);
  return { file, write, builds, kept, build: () => bundleJob(file, { cache }) };
}

const list = (items: string, before = "") =>
  `import { tasks } from "tequio";
${before}export default tasks({ items: ${items}, run: (i) => i });
`;

test("a file that imports tequio alone is built once, and equal to a new build", async (t) => {
  const { build, builds, file, write } = setUp(t);
  write(list("[1]"));
  const first = await build();
  const second = await build();
  assert.equal(builds.length, 1);
  assert.deepEqual([second.hash, second.code], [first.hash, first.code]);
  assert.equal(second.job.kind, "tasks");
  assert.equal((await bundleJob(file)).hash, first.hash);
  assert.ok(
    builds[0]?.files.some((path) => /[\\/]index\.[jt]s$/.test(path)),
    JSON.stringify(builds[0]?.files),
  );
});

test("another text is another build", async (t) => {
  const { build, builds, write } = setUp(t);
  write(list("[1]"));
  const first = await build();
  write(list("[2]"));
  assert.notEqual((await build()).hash, first.hash);
  write(list("[1]"));
  assert.equal((await build()).hash, first.hash);
  assert.equal(builds.length, 2);
});

test("a file with imports of its own is built each time", async (t) => {
  const { build, builds, write } = setUp(t);
  write("export const one = 1;\n", "one.ts");
  write(list("[one]", 'import { one } from "./one.ts";\n'));
  const first = await build();
  write("export const one = 2;\n", "one.ts");
  assert.notEqual((await build()).hash, first.hash);
  assert.deepEqual(builds, [null, null]);
});

test("an import that leaves nothing in the bundle counts, too", async (t) => {
  const { build, builds, write } = setUp(t);
  write("export const unused = 1;\n", "unused.ts");
  write(list("[1]", 'import { unused } from "./unused.ts";\nconst other = unused;\n'));
  assert.doesNotMatch((await build()).code, /^(?:const|var|let) (?:unused|other)/m);
  assert.deepEqual(builds, [null]);
});

test("a refused file is refused again", async (t) => {
  const { build, kept, write } = setUp(t);
  write(list("[1]", "let count = 0;\n").replace("(i) => i", "(i) => i + count++"));
  const refused = { code: "build-failed" };
  await assert.rejects(build(), refused);
  await assert.rejects(build(), refused);
  assert.equal(kept.size, 0);
});
