/** Frames of the channel: every cut, every bound. */
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { Channel } from "./channel.ts";
import { encodeFrame, FrameReader } from "./frames.ts";

const maxBytes = 1_000;
const messages = [{ kind: "ready" }, "é".repeat(400), 0, null, [[], {}], { kind: "ready" }];
const wire = Buffer.concat(messages.map((message) => encodeFrame(message, maxBytes)));

test("messages arrive whole, wherever the bytes are cut", () => {
  for (let size = 1; size <= wire.length; size++) {
    const reader = new FrameReader(maxBytes);
    const read: unknown[] = [];
    for (let at = 0; at < wire.length; at += size) {
      reader.push(wire.subarray(at, at + size), (message) => read.push(message));
    }
    assert.deepEqual(read, messages, `cut every ${size} bytes`);
    assert.equal(reader.heldBytes, 0);
  }
});

test("a message that is too long for the receiver is an error of the sender", () => {
  assert.throws(() => encodeFrame("x".repeat(maxBytes), maxBytes), { code: "limit-exceeded" });
});

const broken: Readonly<Record<string, Buffer>> = {
  "a length of 0": Buffer.alloc(4),
  "a length above the bound": Buffer.from([0xe9, 0x03, 0, 0]),
  "a text line": Buffer.from('{"kind":"ready"}\n'),
  "a body that is no JSON": Buffer.from([2, 0, 0, 0, 0x7b, 0x7b]),
};

for (const [what, bytes] of Object.entries(broken)) {
  test(`X4: ${what} is no frame, and nothing is kept for it`, () => {
    const reader = new FrameReader(maxBytes);
    const push = () => reader.push(bytes, () => assert.fail("no message"));
    assert.throws(push, { code: "protocol-violated" });
    assert.equal(reader.heldBytes, 0);
  });
}

test("X4: half a frame holds what has arrived, and never more than its bound", () => {
  const longBytes = 16 * 1024 * 1024;
  const reader = new FrameReader(longBytes);
  const header = Buffer.alloc(4);
  header.writeUInt32LE(longBytes);
  const none = () => assert.fail("no message");
  reader.push(header, none);
  for (let n = 0; n < 1_000; n++) reader.push(Buffer.from("x"), none);
  assert.ok(reader.heldBytes <= 64 * 1024, `${reader.heldBytes} bytes held for 1000`);
  reader.push(Buffer.alloc(longBytes - 1_001, " "), none);
  assert.ok(reader.heldBytes <= longBytes, `${reader.heldBytes} bytes held`);
});

test("X4: a channel ends once, with its error, and takes nothing after it", async () => {
  const pipe = new PassThrough();
  const taken: unknown[] = [];
  const ends: unknown[] = [];
  new Channel(pipe, {
    sendMaxBytes: maxBytes,
    receiveMaxBytes: maxBytes,
    onMessage: (message) => taken.push(message),
    onEnd: (error) => ends.push(error?.code ?? null),
  });
  pipe.write(encodeFrame(1, maxBytes));
  pipe.write(Buffer.alloc(4));
  pipe.end(encodeFrame(2, maxBytes));
  await new Promise((resolve) => pipe.once("close", resolve));
  assert.deepEqual([taken, ends], [[1], ["protocol-violated"]]);
});
