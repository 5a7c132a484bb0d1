import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeManifest } from "../../wire/block/manifest.ts";
import { Relay } from "./relay.ts";

const ref = { job: "j-1", stage: 0, task: 3, attempt: 2 } as const;

function place(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "relay-"));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Three partitions, the second empty. Bytes of a run are not looked into. */
function output() {
  const runs = [Buffer.alloc(100, 1), Buffer.alloc(0), Buffer.alloc(70_000, 2)];
  const partitions = runs.map((bytes) => ({
    sizeBytes: bytes.length,
    records: bytes.length === 0 ? 0 : 1,
    sha256: bytes.length === 0 ? "" : createHash("sha256").update(bytes).digest("hex"),
  }));
  return { manifest: Buffer.from(encodeManifest(partitions)), run: Buffer.concat(runs) };
}

async function* pieces(bytes: Uint8Array, sizeBytes = 999) {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

async function put(relay: Relay, manifest: Uint8Array, run: Uint8Array) {
  await relay.putManifest(ref, pieces(manifest));
  return relay.putRun(ref, pieces(run));
}

async function read(relay: Relay, partition: number): Promise<Buffer> {
  const found = relay.get(ref);
  assert.ok(found !== null);
  const parts: Uint8Array[] = [];
  for await (const part of relay.read(found, partition)) parts.push(part);
  return Buffer.concat(parts);
}

test("gives back what was put, partition by partition, also after a restart", async (t) => {
  const dir = place(t);
  const { manifest, run } = output();
  const { root } = await put(new Relay({ dir }), manifest, run);
  assert.equal(root, createHash("sha256").update(manifest).digest("hex"));
  const again = new Relay({ dir });
  assert.equal(again.get(ref)?.root, root);
  assert.deepEqual(await read(again, 0), Buffer.alloc(100, 1));
  assert.equal((await read(again, 1)).length, 0);
  assert.deepEqual(await read(again, 2), Buffer.alloc(70_000, 2));
});

test("W11: bytes that are not those of the manifest leave nothing", async (t) => {
  const dir = place(t);
  const relay = new Relay({ dir });
  const { manifest, run } = output();
  const flipped = Buffer.from(run);
  flipped[50_000]! ^= 1;
  for (const wrong of [flipped, run.subarray(0, -1), Buffer.concat([run, Buffer.of(0)])]) {
    await assert.rejects(put(relay, manifest, wrong), { code: "bad-request" });
    assert.equal(relay.get(ref), null);
  }
  await assert.rejects(relay.putRun(ref, pieces(run)), /put the manifest/);
  const left = existsSync(dir) ? readdirSync(dir, { recursive: true }) : [];
  assert.deepEqual(
    left.filter((name) => /\d+\.\d+/.test(String(name))),
    [],
  );
});

test("bounds what one attempt may bring", async (t) => {
  const { manifest } = output();
  const relay = new Relay({ dir: place(t), runMaxBytes: 70_000 });
  await assert.rejects(relay.putManifest(ref, pieces(manifest)), { code: "limit-exceeded" });
});

test("goes with its job", async (t) => {
  const dir = place(t);
  const relay = new Relay({ dir });
  const { manifest, run } = output();
  await put(relay, manifest, run);
  await relay.keepOnly((job) => job === "j-1");
  assert.ok(relay.get(ref) !== null);
  await relay.keepOnly(() => false);
  assert.equal(relay.get(ref), null);
  assert.deepEqual(readdirSync(dir), []);
});
