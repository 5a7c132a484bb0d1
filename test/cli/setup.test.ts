/** What a new user gets from `tequio init`, and completion for the commands that there are. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";
import { repository } from "../fixtures/programs.ts";

test("a new project has a job, and a test that passes", async (t) => {
  const place = new Place(t);
  const { code, out } = await place.run("init", "words");
  assert.equal(code, 0);
  assert.match(out, /^words\/job\.ts is written$/m);
  assert.match(out, /^next: cd words && npm install && npm test$/m);
  // As npm would install them.
  const folder = join(place.dir, "words");
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(repository, join(folder, "node_modules", "tequio"));
  // Else it would take itself for a part of this test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { devDependencies, scripts } = JSON.parse(place.read("words/package.json"));
  assert.equal(
    devDependencies.tequio,
    `file:${repository}`,
    "of a checkout, which npm may not have",
  );
  const tested = spawnSync(scripts.test, { cwd: folder, encoding: "utf8", env, shell: true });
  assert.equal(tested.status, 0, tested.stdout);
});

test("a project never replaces a file, and leaves nothing half", async (t) => {
  const place = new Place(t, { "job.test.ts": "mine" });
  const { code, err } = await place.run("init");
  assert.equal(code, 2);
  assert.match(err, /conflict: \S*job\.test\.ts exists; nothing was written/);
  assert.throws(() => place.read("job.ts"), /ENOENT/);
  assert.equal(place.read("job.test.ts"), "mine");
});

test("completion knows the commands and options that there are", async (t) => {
  const place = new Place(t);
  const { out } = await place.run("completion", "bash");
  assert.match(out, /^ {4}run\) options="[^"]*--reducers[^"]*" words="" ;;$/m);
  assert.match(out, /^ {4}"run --priority"\) words="high normal low" ;;$/m);
});
