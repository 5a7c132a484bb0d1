/** Runs and manifests: what is written reads back; cut or changed bytes are noticed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "../../../test/fixtures/fast-check.ts";
import { crc32 } from "./crc32.ts";
import { decodeManifest, encodeManifest } from "./manifest.ts";
import { RunReader, RunWriter } from "./run.ts";

type Pair = readonly [key: Uint8Array, value: Uint8Array];

function written(pairs: readonly Pair[]): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new RunWriter((bytes) => chunks.push(bytes.slice()), crc32);
  for (const [key, value] of pairs) {
    writer.key(key, 0, key.length);
    writer.value(value, 0, value.length);
  }
  writer.finish();
  const bytes = new Uint8Array(Buffer.concat(chunks));
  assert.equal(bytes.length, writer.sizeBytes);
  return bytes;
}

function readBack(bytes: Uint8Array): Pair[] {
  const read = (into: Uint8Array, offset: number) => {
    if (offset < 0 || offset + into.length > bytes.length) throw new Error("read past the run");
    into.set(bytes.subarray(offset, offset + into.length));
  };
  const reader = new RunReader(read, bytes.length, crc32);
  const pairs: Pair[] = [];
  while (reader.next()) {
    const key = reader.key.slice(0, reader.keyLength);
    const last = pairs.at(-1);
    if (reader.repeated) assert.deepEqual(key, last?.[0]);
    pairs.push([key, reader.bytes.slice(reader.valueStart, reader.valueEnd)]);
  }
  return pairs;
}

test("the checksum is that of zlib", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32(bytes) === zlibCrc32(bytes)));
});

test("a run returns its entries in order, over many blocks", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 6, max: 3 });
  const pair = fc.tuple(key, fc.uint8Array({ maxLength: 70 }));
  fc.assert(
    fc.property(fc.array(pair), (pairs) => {
      assert.deepEqual(readBack(written(pairs)), pairs);
    }),
  );
  const many: Pair[] = Array.from({ length: 9000 }, (_, i) => [
    new Uint8Array(Buffer.from(`key ${i >> 2}`)),
    new Uint8Array(i % 40),
  ]);
  many.push([new Uint8Array(5000), new Uint8Array(300_000)]);
  assert.deepEqual(readBack(written(many)), many);
});

test("a run without entries is no bytes", () => {
  assert.equal(written([]).length, 0);
  assert.deepEqual(readBack(new Uint8Array(0)), []);
});

const small = written([
  [Uint8Array.of(64, 97), Uint8Array.of(4, 2)],
  [Uint8Array.of(64, 97, 98), Uint8Array.of(4, 4)],
]);

test("a run cut at any byte is data-lost", () => {
  for (let length = 1; length < small.length; length++) {
    assert.throws(() => readBack(small.slice(0, length)), { code: "data-lost" });
  }
});

test("a run with any bit flipped is data-lost", () => {
  for (let bit = 0; bit < small.length * 8; bit++) {
    const flipped = small.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.throws(() => readBack(flipped), { code: "data-lost" }, `bit ${bit}`);
  }
});

const partitions = [
  { sizeBytes: 100, records: 3, sha256: "ab".repeat(32) },
  { sizeBytes: 0, records: 0, sha256: "" },
  { sizeBytes: 70_000, records: 20, sha256: "0f".repeat(32) },
];

test("a manifest reads back with offsets and sums", () => {
  const manifest = decodeManifest(encodeManifest(partitions));
  assert.deepEqual(
    Array.from(manifest, ({ offset }) => offset),
    [0, 100, 100],
  );
  assert.deepEqual(
    Array.from(manifest, ({ offset: _, ...rest }) => rest),
    partitions,
  );
  assert.equal(manifest.length, 3);
  assert.deepEqual(manifest.at(2), { ...partitions[2], offset: 100 });
  assert.equal(manifest.at(3), undefined);
  assert.equal(manifest.sizeBytes, 70_100);
  assert.equal(manifest.records, 23);
});

test("a manifest cut at any byte, or with bytes after it, is data-lost", () => {
  const bytes = encodeManifest(partitions);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(() => decodeManifest(bytes.subarray(0, length)), { code: "data-lost" });
  }
  assert.throws(() => decodeManifest(Uint8Array.of(...bytes, 0)), { code: "data-lost" });
});
