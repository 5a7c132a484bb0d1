/** Blobs that a worker need not fetch twice. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { KeptBlobs } from "./kept.ts";

async function place(t: TestContext) {
  const dir = temporaryDir(t, "tequio-kept-");
  const kept = new KeptBlobs(dir);
  await kept.sweep();
  const fetched: string[] = [];
  const hold = (owner: string, hash: string) =>
    kept.hold({ owner, hash }, async (path) => {
      fetched.push(`${owner} ${hash}`);
      writeFileSync(path, hash);
    });
  return { kept, hold, fetched, dir };
}

test("a blob outlives the job that fetched it, for its owner only", async (t) => {
  const { kept, hold, fetched } = await place(t);
  kept.release((await hold("ann", "h1")).path);
  const { path, text } = await hold("ann", "h1");
  assert.equal(text, "h1");
  assert.equal(readFileSync(path, "utf8"), "h1");
  assert.notEqual((await hold("bob", "h1")).path, path);
  assert.deepEqual(fetched, ["ann h1", "bob h1"]);
});

test("the blob that was used longest ago goes first, and none that is held", async (t) => {
  const { kept, hold, fetched, dir } = await place(t);
  const { path: held } = await hold("ann", "held");
  for (let n = 0; n < 63; n++) kept.release((await hold("ann", `h${n}`)).path);
  kept.release((await hold("ann", "h0")).path);
  kept.release((await hold("ann", "h63")).path);
  assert.equal(readFileSync(held, "utf8"), "held");
  fetched.length = 0;
  await hold("ann", "h0");
  await hold("ann", "h1");
  assert.deepEqual(fetched, ["ann h1"]);
  assert.ok(readdirSync(dir).length >= 64);
});

test("what could not be fetched is fetched again, two at once in peace", async (t) => {
  const { kept, hold, fetched } = await place(t);
  const broken = kept.hold({ owner: "ann", hash: "h1" }, async () => {
    throw new Error("no network");
  });
  const [failed, one, two] = await Promise.allSettled([
    broken,
    hold("ann", "h1"),
    hold("ann", "h1"),
  ]);
  assert.equal(failed.status, "rejected");
  assert.deepEqual(one, two);
  assert.equal(fetched.length, 2);
  assert.equal(readFileSync((await hold("ann", "h1")).path, "utf8"), "h1");
});
