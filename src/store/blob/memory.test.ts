/** Blobs in memory against the conformance tests of all blob stores. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { blobConformance } from "../../../test/conformance/register.ts";
import { pattern, refusal, sha256 } from "../../conformance/bytes.ts";
import { openMemoryBlobs } from "./memory.ts";

blobConformance("memory", async () => ({ blobs: openMemoryBlobs() }), {
  skip: [
    { reason: "memory remembers nothing", tests: ["a store opened again has the same blobs"] },
  ],
});

test("the hash function can be passed in, for simulations that must be repeatable", async () => {
  const blobs = openMemoryBlobs({ sha256 });
  assert.equal((await blobs.put([pattern(9)])).hash, sha256(pattern(9)));
});

test("C4: a full memory store refuses, and has room again after a delete", async () => {
  const blobs = openMemoryBlobs({ sha256, capacityBytes: 1000 });
  const { hash } = await blobs.put([pattern(600)]);
  await blobs.put([pattern(600)]);
  await assert.rejects(blobs.put([pattern(401, 2)]), refusal("storage-full"));
  await blobs.delete(hash);
  assert.equal((await blobs.put([pattern(401, 2)])).sizeBytes, 401);
});
