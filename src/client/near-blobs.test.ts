/** Blobs that a client on the coordinator's machine reads by itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { openDiskBlobs } from "../store/blob/disk.ts";
import { chunkBytes } from "../store/blob/disk-read.ts";
import { temporaryDir } from "../store/testing/at-end.ts";
import { nearBlobs } from "./near-blobs.ts";

test("a blob that is only copied is read through a few buffers, however large it is", async (t) => {
  const data = temporaryDir(t);
  const blobs = await openDiskBlobs(join(data, "blobs"));
  const { hash } = await blobs.put([Buffer.alloc(9 * chunkBytes, "near")]);
  await blobs.close();
  assert.deepEqual(await read(data, hash, true), { buffers: 3, sizeBytes: 9 * chunkBytes });
  // Who keeps the chunks has each in a buffer of its own.
  assert.deepEqual(await read(data, hash, false), { buffers: 9, sizeBytes: 9 * chunkBytes });
});

async function read(data: string, hash: string, isLent: boolean) {
  const chunks = await nearBlobs(data).nearBlob?.(hash, isLent);
  assert.ok(chunks, "it is there");
  const buffers = new Set<ArrayBufferLike>();
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    buffers.add(chunk.buffer);
    sizeBytes += chunk.length;
  }
  return { buffers: buffers.size, sizeBytes };
}
