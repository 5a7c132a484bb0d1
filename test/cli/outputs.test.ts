/** Odd places for a result: pipes, devices, links, readers that go away, full disks. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { announced } from "../fixtures/cluster.ts";
import { Place } from "../fixtures/place.ts";
import { Started } from "../fixtures/started.ts";

const job = `import { tasks } from "tequio";
export default tasks({ name: "three", items: [1, 2, 3], run: (item) => item });
`;
const run = ["run", "job.ts"];
const args = [...run, "--sequential"];

function placeOf(t: TestContext): Place {
  return new Place(t, { "job.ts": job, "file.txt": "kept\n" });
}

test("X8: a result is written into a pipe, which stays one", async (t) => {
  const place = placeOf(t);
  const pipe = join(place.dir, "pipe");
  execFileSync("mkfifo", [pipe]);
  for (const more of [["--overwrite"], []]) {
    const reader = Started.during(t, ["cat", pipe]);
    const { code, err } = await place.run(...args, "--merge", "pipe", ...more);
    assert.equal(code, 0, err);
    assert.equal((await reader.ended).out, "1\n2\n3\n");
    assert.ok(lstatSync(pipe).isFIFO());
  }
});

test("X8: a device is written into; links and folders are refused, none replaced", async (t) => {
  const place = placeOf(t);
  // Not the device itself: a fault would replace it.
  symlinkSync("/dev/null", join(place.dir, "device"));
  symlinkSync("file.txt", join(place.dir, "link"));
  symlinkSync("nowhere", join(place.dir, "dangling"));
  const merged = await place.run(...args, "--merge", "device", "--overwrite");
  assert.equal(merged.code, 0, merged.err);
  for (const [name, why] of [
    ["link", /link is a link to file\.txt; name the file itself/],
    ["dangling", /dangling is a link to nowhere/],
    ["tmp", /tmp is a folder/],
  ] as const) {
    const { code, err } = await place.run(...args, "--merge", name, "--overwrite");
    assert.equal(code, 2, `${name}: ${err}`);
    assert.match(err, why);
  }
  for (const name of ["device", "link", "dangling"]) {
    assert.ok(lstatSync(join(place.dir, name)).isSymbolicLink());
  }
  assert.equal(place.read("file.txt"), "kept\n");
});

test("X8: a result is written although the readers of all messages have gone", async (t) => {
  const place = placeOf(t);
  // Long enough that the reader of the first line has gone when there is another one.
  const slow = job.replace(
    "(item) => item",
    "(i) => new Promise((r) => setTimeout(() => r(i), 700))",
  );
  place.write("slow.ts", slow);
  const up = place.start("up", "--listen", "127.0.0.1:0", "--json", "--workers", "1");
  await up.said("}\n");
  const line = '{ "$@" 2>&1; echo $? > code; } | head -1';
  const { out } = await place.startBy(["sh", "-c", line, "x"], "run", "slow.ts", "-o", "out").ended;
  assert.match(out, /is submitted to/);
  assert.equal(place.read("code"), "0\n");
  assert.equal(place.read("out/results.ndjson"), "1\n2\n3\n");
});

/** By the shell, with standard output as `where` says; its exit code and messages. */
async function into(place: Place, where: string, ...more: string[]) {
  const line = `{ "$@"; echo $? >code; } ${where}`;
  const { err } = await place.startBy(["sh", "-c", line, "x"], ...more).ended;
  return { code: Number(place.read("code")), err };
}

const full = ">/dev/full";
/** Its reader has gone before the command begins to write. */
const gone = "| true";

test("X8: a command whose output cannot be written fails, whichever it is", async (t) => {
  const place = placeOf(t);
  const up = place.start("up", "--listen", "127.0.0.1:0", "--json", "--workers", "1");
  await up.said("}\n");
  assert.equal((await place.run(...run, "-o", "first")).code, 0);
  for (const command of [
    ["version"],
    ["up", "--help"],
    ["jobs"],
    ["status", "j-1", "--json"],
    ["workers", "--json"],
    ["ls", "--json"],
    ["token", "ls"],
    ["cancel", "j-1", "j-1"],
    ["run", "job.ts", "--detach"],
    ["run", "job.ts", "--json", "-o", "json"],
    ["get", "j-1", "-o", "-"],
  ]) {
    const { code, err } = await into(place, full, ...command);
    assert.equal(code, 1, `${command.join(" ")}: ${err}`);
    // Once, even where more than one line was lost.
    assert.equal(err.match(/storage-full: no space left for standard output/g)?.length, 1, err);
    const again = command.includes("-o") ? "run `tequio get j-\\d -o DIR`" : "run it again";
    assert.match(err, new RegExp(`free some, then ${again}`));
  }
  for (const command of [
    ["jobs", "--json"],
    ["run", "job.ts", "-o", "-"],
    ["get", "j-1", "--merge", "-"],
  ]) {
    const { code, err } = await into(place, gone, ...command);
    assert.equal(code, 141, `${command.join(" ")}: ${err}`);
    assert.doesNotMatch(err, /tequio: /);
  }
  // What was asked for is in its files: the rest are messages.
  for (const [i, where] of [full, gone].entries()) {
    assert.equal((await into(place, where, "get", "j-1", "-o", `kept-${i}`)).code, 0);
    assert.equal(place.read(`kept-${i}/results.ndjson`), "1\n2\n3\n");
  }
  assert.equal(place.read("json/results.ndjson"), "1\n2\n3\n");
});

test("X8: a shared file goes into a pipe, and replaces no link and no device", async (t) => {
  const place = placeOf(t);
  const share = place.start("share", "--json", "file.txt", "--link");
  const { link } = await announced<{ link: string }>(share);
  const at = (name: string) => join(place.dir, name);
  execFileSync("mkfifo", [at("pipe")]);
  symlinkSync("/dev/null", at("device"));
  symlinkSync("other.txt", at("link"));
  const reader = Started.during(t, ["cat", at("pipe")]);
  const get = (name: string) => place.run("get", link, "-o", name, "--overwrite");
  const piped = await get("pipe");
  assert.equal(piped.code, 0, piped.err);
  assert.equal((await reader.ended).out, "kept\n");
  assert.equal((await get("device")).code, 0);
  const refused = await get("link");
  assert.equal(refused.code, 2, refused.err);
  assert.match(refused.err, /link is a link to other\.txt; name the file itself/);
  assert.ok(lstatSync(at("pipe")).isFIFO());
  for (const name of ["device", "link"]) assert.ok(lstatSync(at(name)).isSymbolicLink());
  const both = await place.run("report", "j-1", "-o", "-", "--json");
  assert.match(both.err, /--json says where the page is, and -o - prints it/);
  const report = await place.run("report", "j-1", "-o", "link");
  assert.equal(report.code, 2);
  assert.match(report.err, /link is a link to other\.txt/);
});

test("X8: a full disk behind -o - is an error that says so", async (t) => {
  const place = placeOf(t);
  const { code, err } = await into(place, full, ...args, "-o", "-");
  assert.equal(code, 1, err);
  assert.match(err, /^tequio: storage-full: no space left for standard output/m);
  assert.doesNotMatch(err, /node:internal/);
});
