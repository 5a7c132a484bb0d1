/** What is printed to be pasted leads to the same coordinator, whatever a shell makes of it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { quoted, toPaste, upToPaste, withPastable } from "./paste.ts";

test("a shell reads each quoted argument as it was", () => {
  const hard = [
    "plain",
    "out/",
    "a b",
    "it's",
    '"x"',
    "$HOME",
    "`id`",
    "*",
    "a\\b",
    "",
    "é…",
    "<x>",
  ];
  const { stdout } = spawnSync("sh", ["-c", `printf '%s\\n' ${hard.map(quoted).join(" ")}`]);
  assert.deepEqual(stdout.toString().split("\n").slice(0, -1), hard);
  assert.equal(quoted("logs/a.gz"), "logs/a.gz", "no quotes without need");
});

test("a command to paste has the connection of the one that printed it, with whole paths", () => {
  assert.equal(toPaste({}, "attach", "j-7"), "tequio attach j-7");
  assert.equal(
    toPaste({ data: "/srv/my data" }, "get", "j-7", "-o", "out/"),
    "tequio get j-7 -o out/ --data '/srv/my data'",
  );
  const far = { url: "https://host:7070", tokenFile: "/t", fingerprint: "5f2a" };
  const options = "--url https://host:7070 --token-file /t --fingerprint 5f2a";
  assert.equal(toPaste(far, "attach", "j-7"), `tequio attach j-7 ${options}`);
  assert.match(toPaste({ tokenFile: "t" }, "attach", "j-7"), / --token-file \/.*\/t$/);
  assert.doesNotMatch(toPaste({ token: "mrt_secret" }, "attach", "j-7"), /secret/);
  assert.equal(toPaste({ ...far, data: "/d" }, "up"), "tequio up --data /d", "it has no --url");
});

test("commands in a text get the connection, unless they have one or need none", () => {
  const at = { data: "/d" };
  const texts: ReadonlyArray<readonly [string, string]> = [
    ["see `tequio status j-1`", "see `tequio status j-1 --data /d`"],
    [
      "`tequio jobs` lists them; `tequio up`",
      "`tequio jobs --data /d` lists them; `tequio up --data /d`",
    ],
    ["`tequio down --data /other`", "`tequio down --data /other`"],
    ["`tequio token create --help`", "`tequio token create --help`"],
    ["`tequio run --local`", "`tequio run --local`"],
    ["start one with `tequio join`", "start one with `tequio join`"],
    ["tequio jobs", "tequio jobs"],
  ];
  for (const [before, after] of texts) {
    assert.equal(withPastable(before, at), after);
    assert.equal(withPastable(before, {}), before);
  }
});

test("the advice for another `up` keeps what was typed", () => {
  const typed = ["--listen", "0.0.0.0:1", "--workers=2", "--data", "d", "--no-qr"];
  assert.equal(
    upToPaste(typed, "/a b/d", ["--take-over"]),
    "tequio up --data '/a b/d' --listen 0.0.0.0:1 --workers=2 --no-qr --take-over",
  );
  assert.equal(
    upToPaste(typed, "/d", ["--listen", "0.0.0.0:7070"]),
    "tequio up --data /d --workers=2 --no-qr --listen 0.0.0.0:7070",
  );
  assert.equal(upToPaste(["--data=d"], "/d", []), "tequio up --data /d");
});
