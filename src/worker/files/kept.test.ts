/** Blobs that a worker need not fetch twice. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { KeptBlobs } from "./kept.ts";

async function place(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "tequio-kept-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const kept = new KeptBlobs(join(dir, "kept"));
  await kept.sweep();
  const file = (name: string) => join(dir, name);
  return { kept, file, dir };
}

test("a kept blob outlives the job that fetched it, for its owner only", async (t) => {
  const { kept, file } = await place(t);
  writeFileSync(file("first"), "code");
  await kept.keep("ann", "h1", file("first"));
  rmSync(file("first"));
  assert.equal(await kept.restore("bob", "h1", file("bobs")), false);
  assert.equal(await kept.restore("ann", "h1", file("second")), true);
  assert.equal(readFileSync(file("second"), "utf8"), "code");
});

test("the blob that was used longest ago goes first", async (t) => {
  const { kept, file, dir } = await place(t);
  writeFileSync(file("blob"), "x");
  for (let n = 0; n < 64; n++) await kept.keep("ann", `h${n}`, file("blob"));
  assert.equal(await kept.restore("ann", "h0", file("used")), true);
  await kept.keep("ann", "h64", file("blob"));
  assert.equal(readdirSync(join(dir, "kept")).length, 64);
  assert.equal(await kept.restore("ann", "h0", file("again")), true);
  assert.equal(await kept.restore("ann", "h1", file("gone")), false);
});
