/** The one rule for files that the user names. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../store/testing/at-end.ts";
import { saveResult } from "./collect.ts";
import { wayTo, writeNamed } from "./named-file.ts";

function folder(t: TestContext): string {
  const path = temporaryDir(t, "tequio-named-");
  return path;
}

async function* chunks(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

test("a regular file appears whole, and is replaced only when asked", async (t) => {
  const path = join(folder(t), "deep", "file");
  assert.deepEqual(await writeNamed(path, chunks("a", "b"), false), { sizeBytes: 2, way: "file" });
  await assert.rejects(writeNamed(path, chunks("c"), false), { code: "conflict" });
  async function* failing() {
    yield Buffer.from("half");
    throw new Error("lost");
  }
  await assert.rejects(writeNamed(path, failing(), true), /lost/);
  assert.equal(readFileSync(path, "utf8"), "ab");
  await writeNamed(path, chunks("c"), true);
  assert.equal(readFileSync(path, "utf8"), "c");
  assert.deepEqual(readdirSync(join(path, "..")), ["file"]);
});

test("what appears meanwhile is not replaced unasked, a link never", async (t) => {
  const path = join(folder(t), "file");
  async function* meanwhile(make: () => void) {
    yield Buffer.from("mine");
    make();
  }
  const theirs = () => writeFileSync(path, "theirs");
  await assert.rejects(writeNamed(path, meanwhile(theirs), false), { code: "conflict" });
  assert.equal(readFileSync(path, "utf8"), "theirs");
  const link = () => {
    rmSync(path);
    symlinkSync("elsewhere", path);
  };
  await assert.rejects(writeNamed(path, meanwhile(link), true), /is a link to elsewhere/);
  assert.ok(lstatSync(path).isSymbolicLink());
});

test("pipes and devices are written into, links and folders refused", async (t) => {
  const dir = folder(t);
  const at = (name: string) => join(dir, name);
  execFileSync("mkfifo", [at("pipe")]);
  mkdirSync(at("folder"));
  writeFileSync(at("file"), "kept");
  symlinkSync("file", at("link"));
  symlinkSync("nowhere", at("dangling"));
  symlinkSync("pipe", at("to-pipe"));
  symlinkSync("/dev/null", at("device"));
  for (const name of ["pipe", "to-pipe"]) {
    const [read, wrote] = await Promise.all([
      readFile(at("pipe"), "utf8"),
      writeNamed(at(name), chunks("a", "b"), true),
    ]);
    assert.equal(read, "ab");
    assert.deepEqual(wrote, { sizeBytes: 2, way: "into" });
  }
  assert.equal((await writeNamed(at("device"), chunks("gone"), false)).way, "into");
  for (const [name, why] of [
    ["folder", /is a folder; name a file/],
    ["link", /is a link to file; name the file itself/],
    ["dangling", /is a link to nowhere/],
  ] as const) {
    for (const mayReplace of [true, false]) {
      const refused = { code: "bad-request", message: why };
      await assert.rejects(writeNamed(at(name), chunks("x"), mayReplace), refused, name);
    }
  }
  assert.ok(lstatSync(at("pipe")).isFIFO());
  assert.ok(lstatSync(at("device")).isSymbolicLink());
  assert.equal(readFileSync(at("file"), "utf8"), "kept");
  assert.ok(!existsSync(at("nowhere")));
  assert.equal(wayTo(at("none"), false), "file");
});

test("of a folder with results, too, only regular files are replaced", async (t) => {
  const dir = folder(t);
  const part = { sizeBytes: 0, read: () => chunks("new") };
  const result = { kind: "parts", format: "text", parts: [part], badRecords: [part] } as const;
  const to = { kind: "folder", path: dir, replace: true } as const;
  execFileSync("mkfifo", [join(dir, "part-00000.txt")]);
  await assert.rejects(saveResult(result, to), /part-00000\.txt is no regular file/);
  assert.ok(lstatSync(join(dir, "part-00000.txt")).isFIFO());
  rmSync(join(dir, "part-00000.txt"));
  symlinkSync("elsewhere", join(dir, "_bad"));
  await assert.rejects(saveResult(result, to), /_bad is no folder/);
  assert.deepEqual(readdirSync(dir), ["_bad"]);
  const gone = { ...to, path: join(dir, "_bad") };
  await assert.rejects(saveResult(result, gone), /is a link to elsewhere/);
});

test("bad records beside a merged file follow the same rule, and first", async (t) => {
  const dir = folder(t);
  const part = { sizeBytes: 0, read: () => chunks("new") };
  const result = { kind: "parts", format: "text", parts: [part], badRecords: [part] } as const;
  const path = join(dir, "merged");
  const beside = join(dir, "_bad", "merged.ndjson");
  mkdirSync(join(dir, "_bad"));
  writeFileSync(beside, "old");
  const merge = (replace: boolean) => saveResult(result, { kind: "file", path, replace });
  await assert.rejects(merge(false), { code: "conflict", message: /merged\.ndjson exists/ });
  assert.deepEqual(readdirSync(dir), ["_bad"]);
  await merge(true);
  assert.equal(readFileSync(beside, "utf8"), "new");
});
