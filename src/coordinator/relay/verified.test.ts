/** Partitions that pass through the coordinator, for browsers: damaged ones never arrive as a
 *  complete answer. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { encodeManifest } from "../../wire/block/manifest.ts";
import { manifestOf, verified } from "./verified.ts";

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const content = Buffer.alloc(100_000, "partition ");

async function* cut(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 30_000) yield bytes.subarray(at, at + 30_000);
}

async function passed(bytes: Uint8Array, sizeBytes = content.length): Promise<number | string> {
  let received = 0;
  try {
    const expected = { sizeBytes, sha256: hashOf(content) };
    for await (const chunk of verified(cut(bytes), expected)) received += chunk.length;
    return received;
  } catch (error) {
    assert.ok(received < content.length, "a damaged partition arrived complete");
    return (error as { code: string }).code;
  }
}

test("X2: a relayed partition that is changed or cut never arrives complete", async () => {
  assert.equal(await passed(content), content.length);
  for (const at of [0, 50_000, content.length - 1]) {
    const flipped = Buffer.from(content);
    flipped[at] = flipped[at]! ^ 1;
    assert.equal(await passed(flipped), "data-lost");
  }
  assert.equal(await passed(content.subarray(0, 60_000)), "data-lost");
});

test("X2: a manifest is used only with the committed root", async () => {
  const manifest = encodeManifest([{ sizeBytes: 100, records: 2, sha256: hashOf(content) }]);
  const root = hashOf(manifest);
  assert.equal((await manifestOf(cut(manifest), root)).at(0)?.records, 2);
  const flipped = Uint8Array.from(manifest, (byte, at) => (at === 9 ? byte ^ 1 : byte));
  await assert.rejects(manifestOf(cut(flipped), root), { code: "data-lost" });
});
