/** Values and keys of Python: each comes back as it was, keys sort by what they are, and what both
 *  languages have is encoded and partitioned alike. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Arena } from "../../src/wire/block/arena.ts";
import { type Key, writeKey } from "../../src/wire/block/key.ts";
import { partitionOf } from "../../src/wire/block/partition.ts";
import { noPython } from "./cluster.ts";

const root = join(import.meta.dirname, "../..");

for (const seed of ["1", "2", "3"]) {
  test(`values and keys come back, and sort, as they are (seed ${seed})`, {
    skip: noPython,
  }, () => {
    const script = join(import.meta.dirname, "values.py");
    const ran = spawnSync("python3", ["-B", script, join(root, "python"), seed], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    assert.equal(ran.status, 0, ran.stderr);
    const lines = ran.stdout.trim().split("\n");
    assert.ok(lines.length > 1_500);
    for (const line of lines) {
      const [key, hex, place] = JSON.parse(line) as [Key, string, number];
      const arena = new Arena();
      writeKey(arena, key, "a test");
      assert.equal(Buffer.from(arena.view()).toString("hex"), hex, line);
      assert.equal(partitionOf(arena.view(), 7), place, line);
    }
  });
}
