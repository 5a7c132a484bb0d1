/** Roots against a second, recursive definition of the same tree, and the piece sizes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { hexOf } from "../hex.ts";
import {
  checkContentSize,
  contentMaxBytes,
  hashBytes,
  isLayerOf,
  pieceBytesOf,
  pieceCountOf,
  pieceLength,
  pieceMaxBytes,
  pieceMinBytes,
  rootBytesOf,
  rootOf,
} from "./merkle.ts";

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The largest power of two below the count is the left half: the odd one is carried up. */
function top(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0]!;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), top(leaves.slice(0, half)), top(leaves.slice(half)));
}

test("the root is that of the definition, for every shape of tree", () => {
  for (const count of [...Array(40).keys(), 255, 256, 257, 1023, 1024]) {
    const sizeBytes = count * pieceMinBytes - (count > 0 ? 5 : 0);
    const leaves = Array.from({ length: count }, (_, i) => sha256(Buffer.from(`piece ${i}`)));
    const head = Buffer.alloc(13);
    head[0] = 2;
    head.writeBigUInt64BE(BigInt(sizeBytes), 1);
    head.writeUInt32BE(pieceBytesOf(sizeBytes), 9);
    const expected = sha256(head, top(leaves)).toString("hex");
    const layer = Buffer.concat(leaves);
    const root = rootOf(sizeBytes, layer, sha256);
    assert.equal(hexOf(root), expected, `${count} pieces`);
    assert.ok(isLayerOf({ sizeBytes, root }, layer, sha256));
    if (count === 0) continue;
    layer[0]! ^= 1;
    assert.ok(!isLayerOf({ sizeBytes, root }, layer, sha256), "a flipped bit");
    assert.ok(!isLayerOf({ sizeBytes: sizeBytes + 1, root }, Buffer.concat(leaves), sha256));
  }
});

test("roots of four files stay what they are", () => {
  const known: Readonly<Record<number, string>> = {
    "0": "e08fe4b8fde77851dd1da6540eb86d6b5b192f05d571af9371e0a5b28f163b5c",
    "1": "ddaefb1e8c4ae239a891f35ad451327ad16b48ed7effa156fbcc9f46f8b94db0",
    "16385": "0094b2465bd137e9fe5ee60b4ea01fe6f75e4d79acae482f0330a816ed8b4037",
    "40000000": "a6b0a99f872686c48586f8e020c44a39a40f0e0866a4689cf392f6cdca3bdd35",
  };
  for (const [size, root] of Object.entries(known)) {
    const content = Buffer.alloc(Number(size), 0x61);
    const leaves: Buffer[] = [];
    for (let piece = 0; piece < pieceCountOf(content.length); piece++) {
      const from = piece * pieceBytesOf(content.length);
      leaves.push(sha256(content.subarray(from, from + pieceLength(content.length, piece))));
    }
    assert.equal(hexOf(rootOf(content.length, Buffer.concat(leaves), sha256)), root, size);
  }
});

test("F11: pieces have 16 KiB up to 16 MiB of content, and 1 MiB from 1 GiB on", () => {
  const gib = 1024 ** 3;
  assert.equal(pieceBytesOf(0), pieceMinBytes);
  assert.equal(pieceBytesOf(16 * 1024 ** 2), pieceMinBytes);
  assert.equal(pieceBytesOf(16 * 1024 ** 2 + 1), 2 * pieceMinBytes);
  assert.equal(pieceBytesOf(gib / 2), pieceMaxBytes / 2);
  assert.equal(pieceBytesOf(gib), pieceMaxBytes);
  assert.equal(pieceBytesOf(100 * gib), pieceMaxBytes);
  assert.deepEqual([0, 1, pieceMinBytes, pieceMinBytes + 1].map(pieceCountOf), [0, 1, 1, 2]);
  assert.equal(pieceLength(pieceMinBytes + 1, 1), 1);
  assert.equal(pieceLength(pieceMinBytes, 0), pieceMinBytes);
  for (let size = 1; size < gib; size *= 3) assert.ok(pieceCountOf(size) <= 1024);
});

test("F11: sizes beyond what is shared, or beyond 2^53, have a limit with a name", () => {
  for (const sizeBytes of [0, 1, 5 * 1024 ** 3, contentMaxBytes]) checkContentSize(sizeBytes);
  assert.throws(() => checkContentSize(contentMaxBytes + 1), /limit-exceeded/);
  for (const sizeBytes of [-1, 2 ** 53, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => checkContentSize(sizeBytes), /protocol-violated/);
  }
});

test("a root is 64 lowercase hex digits", () => {
  const hex = "0f".repeat(hashBytes);
  assert.equal(hexOf(rootBytesOf(hex)!), hex);
  for (const bad of ["", hex.slice(1), hex.toUpperCase(), `${hex}0`, "zz".repeat(32)]) {
    assert.equal(rootBytesOf(bad), null);
  }
});
