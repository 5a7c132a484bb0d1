/** Outputs that the coordinator keeps: complete or not at all, and never changed. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { encodeManifest } from "../../wire/block/manifest.ts";
import { Relay } from "./relay.ts";

const ref = { job: "j-1", stage: 0, task: 3, attempt: 2 } as const;

function place(t: TestContext): string {
  const dir = temporaryDir(t, "relay-");
  return dir;
}

/** Three partitions, the second empty. The bytes of a run are not inspected. */
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
  return relay.putRun(ref, pieces(run), () => true);
}

async function read(relay: Relay, partition: number): Promise<Buffer> {
  const found = relay.get(ref);
  assert.ok(found !== null);
  const parts: Uint8Array[] = [];
  for await (const part of relay.read(found, partition)) parts.push(part);
  return Buffer.concat(parts);
}

test("returns what was put, partition by partition, also after a restart", async (t) => {
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
  await assert.rejects(
    relay.putRun(ref, pieces(run), () => true),
    /put the manifest/,
  );
  const left = existsSync(dir) ? readdirSync(dir, { recursive: true }) : [];
  assert.deepEqual(
    left.filter((name) => /\d+\.\d+/.test(String(name))),
    [],
  );
});

test("limits what one attempt may upload", async (t) => {
  const { manifest } = output();
  const relay = new Relay({ dir: place(t), runMaxBytes: 70_000 });
  await assert.rejects(relay.putManifest(ref, pieces(manifest)), { code: "limit-exceeded" });
});

test("is removed with its job", async (t) => {
  const dir = place(t);
  const relay = new Relay({ dir });
  const { manifest, run } = output();
  await put(relay, manifest, run);
  const confirmed = async () => {};
  await relay.keepOnly((job) => job === "j-1", confirmed);
  assert.ok(relay.get(ref) !== null);
  const deposed = () => Promise.reject(new Error("another coordinator has the log"));
  await assert.rejects(relay.keepOnly(() => false, deposed));
  assert.ok(relay.get(ref) !== null, "a job of the successor, perhaps");
  await relay.keepOnly(() => false, confirmed);
  assert.equal(relay.get(ref), null);
  assert.deepEqual(readdirSync(dir), []);
});

test("W2: other bytes for a kept output are refused, and change nothing", async (t) => {
  const relay = new Relay({ dir: place(t) });
  const { manifest, run } = output();
  const { root } = await put(relay, manifest, run);
  const other = Buffer.alloc(100, 9);
  const sha256 = createHash("sha256").update(other).digest("hex");
  const another = encodeManifest([{ sizeBytes: 100, records: 1, sha256 }]);
  await assert.rejects(put(relay, another, other), { code: "conflict" });
  assert.equal((await put(relay, manifest, run)).root, root);
  assert.deepEqual(await read(relay, 0), Buffer.alloc(100, 1));
});

test("W2: an upload whose attempt or job ends meanwhile leaves nothing", async (t) => {
  const dir = place(t);
  const relay = new Relay({ dir });
  const { manifest, run } = output();
  for (const end of [async () => {}, () => relay.jobChanged("j-1", null)]) {
    let isWanted = true;
    async function* ending() {
      yield run.subarray(0, 50_000);
      isWanted = false;
      await end();
      yield run.subarray(50_000);
    }
    await relay.putManifest(ref, pieces(manifest));
    await assert.rejects(
      relay.putRun(ref, ending(), () => isWanted),
      { code: "not-found" },
    );
    assert.equal(relay.get(ref), null);
    assert.equal(new Relay({ dir }).get(ref), null);
  }
});

test("C1: what a crash left incomplete is gone at the next start", async (t) => {
  const dir = place(t);
  const { manifest, run } = output();
  const { runPath } = await put(new Relay({ dir }), manifest, run);
  truncateSync(runPath, 100);
  assert.equal(new Relay({ dir }).get(ref), null);
  rmSync(runPath);
  assert.equal(new Relay({ dir }).get(ref), null);
});
