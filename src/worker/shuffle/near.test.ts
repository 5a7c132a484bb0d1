/** Outputs of the worker beside this one: found by name and root, and only as they were written. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { JobId } from "../../core/ids.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { encodeManifest } from "../../wire/block/manifest.ts";
import { isUnchanged } from "./byte-range.ts";
import { type NearOutput, NearOutputs } from "./near.ts";
import { nodeDisk } from "./node-disk.ts";

const ref = { job: "j-1" as JobId, stage: 0, task: 3, attempt: 2 };
const partitionOf = ({ manifest, runPath: path }: NearOutput, index: number) => ({
  path,
  ...manifest.at(index)!,
});
const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

function neighbours(t: TestContext) {
  const parent = temporaryDir(t, "near-");
  const [own, other] = ["1", "2"].map((name) => join(parent, name, "shuffle"));
  mkdirSync(own!, { recursive: true, mode: 0o700 });
  const dir = join(other!, "j-1", "0");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(other!, 0o700);
  const run = Buffer.alloc(100, "run ");
  const sha256 = hashOf(run.subarray(40));
  const sizes = [40, 60].map((sizeBytes) => ({ sizeBytes, records: 1, sha256 }));
  const manifest = encodeManifest(sizes);
  writeFileSync(join(dir, "3.2.run"), run);
  writeFileSync(join(dir, "3.2.manifest"), manifest);
  const near = new NearOutputs(own!, nodeDisk);
  return { near, other: other!, runPath: join(dir, "3.2.run"), root: hashOf(manifest) };
}

test("an output of the worker beside is found where it lies", async (t) => {
  const { near, root, runPath } = neighbours(t);
  const found = await near.find("http://a:1", ref, root);
  assert.equal(found?.runPath, runPath);
  assert.equal(await isUnchanged(partitionOf(found!, 1)), true);
  assert.equal((await near.find("http://a:1", { ...ref, attempt: 1 }, root)) === null, true);
});

test("outputs of one worker are looked for once, also after its restart", async (t) => {
  const { other, root, runPath } = neighbours(t);
  let looks = 0;
  const names = (folder: string) => {
    looks += 1;
    return nodeDisk.names(folder);
  };
  const near = new NearOutputs(join(other, "../../1/shuffle"), { ...nodeDisk, names });
  const found = await Promise.all(
    Array.from({ length: 1_000 }, () => near.find("http://a:1", ref, root)),
  );
  assert.equal(found.filter((one) => one?.runPath === runPath).length, 1_000);
  assert.equal(looks, 1);
  assert.equal((await near.find("http://a:2", ref, root))?.runPath, runPath);
});

test("another root, other bytes and a directory open to others do not count", async (t) => {
  const { near, other, root, runPath } = neighbours(t);
  assert.equal(await near.find("http://b:1", ref, "0".repeat(64)), null);
  const found = await near.find("http://a:1", ref, root);
  assert.equal(
    await isUnchanged(partitionOf(found!, 0)),
    false,
    "its SHA-256 is not that of the manifest",
  );
  writeFileSync(runPath, "shorter");
  assert.equal(await near.find("http://a:1", ref, root), null);
  chmodSync(other, 0o777);
  const again = new NearOutputs(join(other, "../../1/shuffle"), nodeDisk);
  assert.equal(await again.find("http://a:1", ref, root), null);
});

test("F6: nothing is read of a directory where others could have put it", async (t) => {
  const { other, root } = neighbours(t);
  chmodSync(other, 0o777);
  let reads = 0;
  const read = (path: string, maxBytes: number) => {
    reads += 1;
    return nodeDisk.read(path, maxBytes);
  };
  const near = new NearOutputs(join(other, "../../1/shuffle"), { ...nodeDisk, read });
  assert.equal(await near.find("http://a:1", ref, root), null);
  assert.equal(reads, 0);
});

test("F6: a link beside does not count, nor what lies where others can change names", async (t) => {
  const { near, other, root } = neighbours(t);
  const above = join(other, "..");
  renameSync(above, `${above}-elsewhere`);
  symlinkSync(`${above}-elsewhere`, above);
  chmodSync(`${above}-elsewhere`, 0o777);
  assert.equal(await near.find("http://a:1", ref, root), null);
});
