/** X1: a second name is of the file that it was asked for, or it is an error. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { nodeDisk } from "./node-disk.ts";
import { hasSecondName } from "./second-name.ts";

test("X1: a name that another file has is an error, not a second name of this one", async (t) => {
  const dir = temporaryDir(t, "second-name-");
  const [own, other, second] = ["own", "other", "second"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(own, "own");
  writeFileSync(other, "another");
  assert.equal(await hasSecondName(nodeDisk, own, second), true);
  assert.equal(await hasSecondName(nodeDisk, own, second), true, "linked before");
  assert.equal(readFileSync(second, "utf8"), "own");
  await assert.rejects(hasSecondName(nodeDisk, other, second), /is another file than/);
  assert.equal(await hasSecondName(nodeDisk, join(dir, "missing"), join(dir, "third")), false);
});
