/** Loops of the task process that are written for speed do what the plain ones do. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { noPython } from "./cluster.ts";

for (const seed of ["1", "2"]) {
  test(`fast loops give what plain ones give (seed ${seed})`, { skip: noPython }, () => {
    const script = join(import.meta.dirname, "loops.py");
    const folder = join(import.meta.dirname, "../../python");
    const ran = spawnSync("python3", ["-B", script, folder, seed], { encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
  });
}
