/** Lines and their offsets, against a splitter that looks at one byte after the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { type ByteSource, memorySource } from "./byte-source.ts";
import { LineCutter, RecordPosition } from "./lines.ts";

type Line = readonly [offset: number, line: string];

function naive(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  let start = bytes.subarray(0, 3).equals(Buffer.from("\ufeff")) ? 3 : 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(10, start);
    const next = found === -1 ? bytes.length : found + 1;
    const text = bytes.subarray(start, next).toString();
    lines.push([start, found === -1 ? text : text.replace(/\r?\n$/, "")]);
    start = next;
  }
  return lines;
}

/** Reads as a pipe does: a few bytes at a time. */
function trickling(bytes: Buffer, most: number): ByteSource {
  const source = memorySource([{ file: 0, offset: 0, head: null, bytes }]);
  return {
    nextPiece: () => source.nextPiece(),
    read: (into, at) => source.read(into.subarray(0, at + most), at),
  };
}

function cut(bytes: Buffer, most: number): Line[] {
  const source = trickling(bytes, most);
  const position = new RecordPosition();
  const lines: Line[] = [];
  // Asking for every third offset only: the others must not be needed to find it.
  let seen = 0;
  const visit = (line: string) => {
    lines.push([seen++ % 3 === 0 ? position.offset : -1, line]);
  };
  const piece = source.nextPiece();
  new LineCutter({ source, position, visit }).cut(piece?.offset ?? 0);
  return lines;
}

function expected(bytes: Buffer): Line[] {
  return naive(bytes).map(([offset, line], i) => [i % 3 === 0 ? offset : -1, line]);
}

const word = fc.constantFrom(
  "a",
  "\n",
  "\n",
  "\r\n",
  "\r",
  "é",
  "日本",
  "😀",
  "\0",
  "\ufeff",
  "x y",
);
const invalid = fc.constantFrom(
  [0xff],
  [0xe6, 0x97],
  [0xc3],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x98],
);
const content = fc
  .array(fc.oneof({ weight: 9, arbitrary: word }, invalid), { maxLength: 60, size: "max" })
  .map((parts) =>
    Buffer.concat(parts.map((p) => (typeof p === "string" ? Buffer.from(p) : Buffer.from(p)))),
  );

test("lines and offsets are right for any bytes, however they arrive", () => {
  fc.assert(
    fc.property(content, fc.integer({ min: 1, max: 50 }), (bytes, most) => {
      assert.deepEqual(cut(bytes, most), expected(bytes));
    }),
    { numRuns: 1000 },
  );
});

test("lines across blocks and buffers are right", () => {
  const lines = Array.from(
    { length: 5000 },
    (_, i) => `${i} ${"wörter ".repeat(i % 17)}${i % 5 ? "" : "日"}`,
  );
  const bytes = Buffer.from(`${lines.join("\n")}\n${"long ".repeat(200_000)}\r\nlast`);
  assert.deepEqual(cut(bytes, 70_000), expected(bytes));
});
