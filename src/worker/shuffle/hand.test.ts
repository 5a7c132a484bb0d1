/** Results on the way to a coordinator on the same machine: a second name in place of a copy, and
 *  the usual way when that cannot be. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDiskBlobs } from "../../store/blob/disk.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { waitMaxMs } from "../../store/testing/patience.ts";
import { CoordinatorBlobs } from "./blobs.ts";

const content = "what a reduce task has written\n";
const hash = createHash("sha256").update(content).digest("hex");

/** A coordinator that says of every blob whether it has it, and takes uploads. */
async function opened(t: TestContext, hasBlobs: boolean) {
  const dir = temporaryDir(t, "hand-");
  const calls: string[] = [];
  const server = createServer((ask, answer) => {
    calls.push(`${ask.method} ${ask.url}`);
    ask.resume();
    if (ask.method === "HEAD") answer.writeHead(hasBlobs ? 200 : 404).end();
    else answer.end(JSON.stringify({ hash, sizeBytes: content.length }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const store = await openDiskBlobs(join(dir, "blobs"));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = { limitMs: waitMaxMs, idleMs: waitMaxMs };
  const { signal: moved } = new AbortController();
  const coordinator = { url, fingerprint: "", credential: () => "", moved };
  const blobs = new CoordinatorBlobs({ coordinator, ...limits, store });
  const path = join(dir, "0.1.part");
  writeFileSync(path, content);
  return { blobs, calls, path, store };
}

const signal = new AbortController().signal;

test("a result gets a second name in the store, and the coordinator sees it", async (t) => {
  const { blobs, calls, path, store } = await opened(t, true);
  assert.deepEqual(await blobs.hand(path, hash, signal), { hash, sizeBytes: content.length });
  assert.deepEqual(calls, [`HEAD /v1/blobs/${hash}`]);
  assert.equal(statSync(store.path(hash)!).ino, statSync(path).ino);
});

test("a store that is not the coordinator's is given up for uploads", async (t) => {
  const { blobs, calls, path } = await opened(t, false);
  await blobs.hand(path, hash, signal);
  await blobs.hand(path, hash, signal);
  const upload = "POST /v1/blobs";
  assert.deepEqual(calls, [`HEAD /v1/blobs/${hash}`, upload, upload]);
});

test("X2: a result that has changed on the disk is none, whatever the task hashed", async (t) => {
  const { blobs, path, store } = await opened(t, true);
  writeFileSync(path, content.replace("written", "wriTten"));
  await assert.rejects(blobs.hand(path, hash, signal), { code: "storage-failed" });
  assert.equal(store.path(hash), null);
});
