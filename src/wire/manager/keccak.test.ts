/** Keccak-256 against published digests, and across the ends of its blocks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak256, keccakMultihash } from "./keccak.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("digests are those that are published", () => {
  const empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
  const abc = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45";
  const fox = "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15";
  assert.equal(hex(keccak256(new Uint8Array(0))), empty);
  assert.equal(hex(keccak256(Buffer.from("abc"))), abc);
  const text = "The quick brown fox jumps over the lazy dog";
  assert.equal(hex(keccak256(Buffer.from(text))), fox);
  assert.equal(hex(keccakMultihash(Buffer.from("abc"))), `1b20${abc}`);
});

test("every length around the end of a block has a digest of its own", () => {
  const seen = new Set<string>();
  for (let length = 130; length <= 280; length++) seen.add(hex(keccak256(new Uint8Array(length))));
  assert.equal(seen.size, 151);
});
