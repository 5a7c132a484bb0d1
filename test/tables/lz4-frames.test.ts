/** LZ4 frames as other programs write them: with checksums, and one behind the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lz4Frame } from "../../src/tables/lz4-frames.ts";

const blockSums = 0x10;
const contentSum = 0x04;

/** A frame of blocks that are stored as they are; checksums are not verified, so they are ones. */
function frameOf(blocks: readonly string[], flags = 0): Buffer {
  const sum = Buffer.alloc(4, 1);
  const stored = blocks.flatMap((text) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(0x80000000 + text.length);
    return [size, Buffer.from(text), (flags & blockSums) === 0 ? Buffer.alloc(0) : sum];
  });
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60 | flags, 0x40, 0]);
  const end = (flags & contentSum) === 0 ? Buffer.alloc(0) : sum;
  return Buffer.concat([head, ...stored, Buffer.alloc(4), end]);
}

test("checksums lie behind the blocks and the frame, and are no content", () => {
  for (const flags of [0, blockSums, contentSum, blockSums | contentSum]) {
    assert.equal(String(Buffer.from(lz4Frame(frameOf(["one ", "two"], flags)))), "one two");
  }
});

test("a second frame in a buffer is refused instead of left out", () => {
  const frames = Buffer.concat([frameOf(["one"], contentSum), frameOf(["two"], contentSum)]);
  assert.throws(() => lz4Frame(frames), /not the end of its buffer/);
});

test("zeros that align a buffer are no frame", () => {
  const padded = Buffer.concat([frameOf(["one"], contentSum), Buffer.alloc(7)]);
  assert.equal(String(Buffer.from(lz4Frame(padded))), "one");
});

test("a frame that is cut before its checksum is refused", () => {
  assert.throws(() => lz4Frame(frameOf(["one"], contentSum).subarray(0, -1)), /end of its buffer/);
});
