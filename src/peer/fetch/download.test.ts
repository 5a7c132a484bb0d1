/** Downloads from real peers on real sockets: sizes, several sources, liars, deaths, resumption. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { noise, scratch, shelve, startPeer, testConnections, testPool } from "../testing/peers.ts";
import { Download, type DownloadOptions } from "./download.ts";

after(() => testPool.close());

function download(
  t: TestContext,
  options: Pick<DownloadOptions, "root" | "target" | "sources"> & Partial<DownloadOptions>,
) {
  return new Download({
    replaces: false,
    connections: testConnections(t),
    pool: testPool,
    ...options,
  });
}

const KiB = 1024;
const MiB = 1024 * KiB;

test("F11: files of 0 bytes, 1 byte and sizes around pieces arrive as they are", async (t) => {
  const dir = scratch(t);
  const peer = await startPeer(t);
  const sizes = [0, 1, 16 * KiB - 1, 16 * KiB, 16 * KiB + 1, 16 * MiB, 16 * MiB + 1, 40 * MiB + 3];
  for (const size of sizes) {
    const bytes = noise(size);
    const { root } = await shelve(peer, `f${size}`, { dir, bytes });
    const target = join(dir, "got");
    const result = await download(t, {
      root,
      target,
      sources: [peer.source()],
      replaces: true,
    }).run();
    assert.ok(bytes.equals(readFileSync(target)), `${size} bytes`);
    assert.equal(result.sizeBytes, size);
    assert.equal(result.receivedBytes, size);
  }
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.startsWith(".")),
    [],
    "no leftovers",
  );
  assert.deepEqual(peer.broken, []);
});
