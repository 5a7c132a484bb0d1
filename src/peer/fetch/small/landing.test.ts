/** Many small files on their way into a folder: names, leftovers of kills and of power losses. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "../../testing/peers.ts";
import { Landing, type LandingFile } from "./landing.ts";

const modifiedUs = 1_600_000_000_123_000;

function small(target: string, text: string, replaces = false): LandingFile {
  const attributes = { modifiedUs, isExecutable: text.startsWith("#!") };
  return { target, root: "0".repeat(64), content: Buffer.from(text), attributes, replaces };
}

test("files get content, time and the right to run; nothing else is left", async (t) => {
  const dir = scratch(t);
  mkdirSync(join(dir, "sub"));
  const landing = new Landing(dir);
  const files = Array.from({ length: 80 }, (_, n) => small(join(dir, "sub", `${n}`), `n ${n}`));
  const script = small(join(dir, "script"), "#!/bin/sh\n");
  const empty = small(join(dir, "empty"), "");
  const landed = landing.land([...files, script, empty]);
  assert.deepEqual([...new Set(landed)], [null]);
  await landing.finish();
  assert.deepEqual(readdirSync(dir).sort(), ["empty", "script", "sub"]);
  assert.equal(readFileSync(join(dir, "sub", "79"), "utf8"), "n 79");
  assert.equal(statSync(join(dir, "sub", "79")).mtimeMs, modifiedUs / 1000);
  if (process.platform === "win32") return;
  assert.equal(statSync(join(dir, "script")).mode & 0o100, 0o100);
  assert.equal(statSync(join(dir, "empty")).mode & 0o111, 0);
});

test("an existing name is not overwritten unless that is asked for; the others come", async (t) => {
  const dir = scratch(t);
  writeFileSync(join(dir, "taken"), "mine");
  const landing = new Landing(dir);
  const [first, second] = landing.land([
    small(join(dir, "taken"), "yours"),
    small(join(dir, "free"), "yours"),
  ]);
  assert.equal(first?.code, "conflict");
  assert.equal(second, null);
  assert.equal(readFileSync(join(dir, "taken"), "utf8"), "mine");
  assert.deepEqual(landing.land([small(join(dir, "taken"), "yours", true)]), [null]);
  await landing.finish();
  assert.equal(readFileSync(join(dir, "taken"), "utf8"), "yours");
  assert.deepEqual(readdirSync(dir).sort(), ["free", "taken"]);
});

test("after a power loss torn files are known as own, changed and foreign ones are not", (t) => {
  const dir = scratch(t);
  const landing = new Landing(dir);
  const names = ["torn", "whole", "changed", "gone"].map((name) => join(dir, name));
  assert.deepEqual(
    landing.land(names.map((name) => small(name, "content"))),
    names.map(() => null),
  );
  // It ended before `finish`, in the middle of a line and of a file.
  landing.close();
  const [journal] = readdirSync(dir).filter((name) => name.endsWith(".journal"));
  appendFileSync(join(dir, journal!), '{"path":"half');
  writeFileSync(join(dir, journal!.replace("journal", "part")), "half");
  truncateSync(join(dir, "torn"), 0);
  utimesSync(join(dir, "torn"), modifiedUs / 1e6, modifiedUs / 1e6);
  writeFileSync(join(dir, "changed"), "by its user");
  writeFileSync(join(dir, "foreign"), "content");
  utimesSync(join(dir, "foreign"), modifiedUs / 1e6, modifiedUs / 1e6);
  const next = new Landing(dir);
  const isOwn = (name: string) => next.isOwn(join(dir, name), statSync(join(dir, name)));
  assert.deepEqual(["torn", "whole", "changed", "foreign"].map(isOwn), [true, true, false, false]);
  assert.deepEqual(next.land([small(join(dir, "torn"), "content", true)]), [null]);
  // What follows the torn line counts, too.
  next.close();
  assert.ok(new Landing(dir).isOwn(join(dir, "torn"), statSync(join(dir, "torn"))));
  assert.ok(!existsSync(join(dir, journal!.replace("journal", "part"))));
});

test("finishing an interrupted download syncs what is there and forgets the journal", async (t) => {
  const dir = scratch(t);
  const first = new Landing(dir);
  first.land([small(join(dir, "a"), "content")]);
  first.close();
  await new Landing(dir).finish();
  assert.deepEqual(readdirSync(dir), ["a"]);
});
