/** Uploads in ranges: in any order, over restarts, of several owners, with wrong bytes. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { bytesIn, sha256 as hashOf, pattern, same } from "../../conformance/bytes.ts";
import { temporaryDir } from "../testing/at-end.ts";
import { type DiskBlobs, openDiskBlobs } from "./disk.ts";
import { Staging, type StagingOptions, type UploadOf } from "./staged.ts";

const unit = 64 << 10;
const sha256 = (of: Uint8Array | string) => hashOf(Buffer.from(of));
const bytes = pattern(3 * unit + 1000);
const whole: UploadOf = { owner: "ann", hash: sha256(bytes), sizeBytes: bytes.byteLength };

async function opened(t: TestContext, options: StagingOptions = {}) {
  const place = temporaryDir(t, "staged-");
  const blobs = await openDiskBlobs(place);
  const part = join(place, "part");
  const staging = (over = options) => new Staging(part, blobs, over);
  return { place, part, blobs, staging };
}

/** The code with which it is refused. */
async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: { code: string }) => error.code,
  );
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

type Sent = { readonly of: UploadOf; readonly from: Uint8Array };

/** Writes the bytes from `start` to `end`, as they are or others. */
function send(staging: Staging, start: number, end: number, over: Partial<Sent> = {}) {
  const { of = whole, from = bytes } = over;
  const chunk = from.subarray(start, end);
  return staging.write(of, { start, chunks: once(chunk), expect: sha256(chunk) });
}

async function content(blobs: DiskBlobs): Promise<Uint8Array> {
  return bytesIn(blobs.read(whole.hash));
}

test("ranges in any order and twice make the blob; a restart goes on where it was", async (t) => {
  const { blobs, part, staging } = await opened(t);
  const first = staging();
  assert.deepEqual(await first.missing(whole), [{ start: 0, end: bytes.byteLength }]);
  await send(first, 3 * unit, bytes.byteLength);
  await send(first, unit, 2 * unit);
  assert.equal(await codeOf(first.finish(whole)), "conflict");
  const again = staging();
  const left = [
    { start: 0, end: unit },
    { start: 2 * unit, end: 3 * unit },
  ];
  assert.deepEqual(await again.missing(whole), left);
  await Promise.all([send(again, 0, 2 * unit), send(again, 2 * unit, 3 * unit)]);
  assert.equal(await blobs.size(whole.hash), null);
  const put = { hash: whole.hash, sizeBytes: bytes.byteLength };
  // Also when the answer to the first was lost on its way.
  assert.deepEqual(await Promise.all([again.finish(whole), again.finish(whole)]), [put, put]);
  assert.ok(same(await content(blobs), bytes));
  assert.deepEqual(readdirSync(part), []);
});

test("a range with other bytes is not kept, nor one at a wrong place", async (t) => {
  const { staging } = await opened(t);
  const one = staging();
  const range = (over: object) =>
    one.write(whole, { start: 0, chunks: once(bytes.subarray(0, unit)), expect: "", ...over });
  const codes = [
    range({ expect: "0".repeat(64) }),
    range({ start: 5, expect: sha256("") }),
    range({ start: 4 * unit, expect: sha256("") }),
    send(one, 0, unit - 1),
    send(one, 0, 0),
    one.write(whole, { start: 3 * unit, chunks: once(bytes), expect: sha256(bytes) }),
    one.missing({ ...whole, hash: "../../x" }),
    one.missing({ ...whole, sizeBytes: 1.5 }),
  ].map(codeOf);
  const bad = "bad-request";
  assert.deepEqual(await Promise.all(codes), ["data-lost", bad, bad, bad, bad, bad, bad, bad]);
  assert.deepEqual(await one.missing(whole), [{ start: 0, end: bytes.byteLength }]);
});

test("a whole that is not what its name says is dropped, and can be sent again", async (t) => {
  const { blobs, staging } = await opened(t);
  const one = staging();
  const other = pattern(bytes.byteLength + 1).subarray(1);
  await send(one, 0, bytes.byteLength, { from: other });
  assert.equal(await codeOf(one.finish(whole)), "data-lost");
  assert.equal(await blobs.size(whole.hash), null);
  await send(one, 0, bytes.byteLength);
  await one.finish(whole);
  assert.ok(same(await content(blobs), bytes));
});

test("what an owner sends is no part of another's upload", async (t) => {
  const { staging } = await opened(t);
  const one = staging();
  await send(one, 0, bytes.byteLength);
  const bobs = { ...whole, owner: "bob" };
  assert.deepEqual(await one.missing(bobs), [{ start: 0, end: bytes.byteLength }]);
});

test("a range that is late changes nothing of the blob", async (t) => {
  const { blobs, staging } = await opened(t);
  const one = staging();
  const go = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  async function* late() {
    yield bytes.subarray(0, 1);
    begun.resolve();
    await go.promise;
    yield new Uint8Array(unit - 1).fill(7);
  }
  const writing = one.write(whole, { start: 0, chunks: late(), expect: "0".repeat(64) });
  await begun.promise;
  await send(one, 0, bytes.byteLength);
  await one.finish(whole);
  go.resolve();
  assert.equal(await codeOf(writing), "unavailable");
  assert.ok(same(await content(blobs), bytes));
});

test("uploads have a bound: idle ones make room, busy ones do not", async (t) => {
  const { part, staging } = await opened(t);
  const of = (owner: string) => ({ ...whole, owner });
  const busy = staging({ uploadsMax: 2 });
  await send(busy, 0, unit, { of: of("a") });
  await send(busy, 0, unit, { of: of("b") });
  assert.equal(await codeOf(send(busy, 0, unit, { of: of("c") })), "unavailable");
  const idle = staging({ uploadsMax: 2, idleMs: -1_000 });
  await send(idle, 0, unit, { of: of("c") });
  assert.equal(readdirSync(part).length, 4);
  const old = staging({ keepMs: -1_000 });
  await send(old, 0, unit, { of: of("d") });
  assert.equal(readdirSync(part).length, 2);
  const small = staging({ sizeMaxBytes: 10 });
  assert.equal(await codeOf(small.missing(whole)), "limit-exceeded");
});
