/** The replacements of Node's modules in tabs do what Node's modules do. */
import assert from "node:assert/strict";
import { isAscii as nodeIsAscii } from "node:buffer";
import { createHash } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 as nodeCrc32 } from "node:zlib";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import type { Plan } from "../../src/wire/block/plan.ts";
import { isAscii } from "../../src/worker/browser/node-shims/ascii.ts";
import * as files from "../../src/worker/browser/node-shims/fs.ts";
import { Sha256 } from "../../src/worker/browser/node-shims/sha256.ts";
import { TabBuffer } from "../../src/worker/browser/node-shims/tab-buffer.ts";
import { crc32 } from "../../src/worker/browser/node-shims/zlib.ts";
import { piecesOf } from "../../src/worker/browser/tab/pieces.ts";
import { openLocal } from "../../src/worker/input/file.ts";
import { streamSplit } from "../../src/worker/input/split.ts";
import fc from "../fixtures/fast-check.ts";
import { FrameCollector } from "./frames.ts";

const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });

test("SHA-256 and CRC-32 of any bytes in any parts are those of Node", () => {
  fc.assert(
    fc.property(parts, (all) => {
      const [ours, theirs] = [new Sha256(), createHash("sha256")];
      let sum = 0;
      for (const part of all) {
        ours.update(part);
        theirs.update(part);
        sum = crc32(part, sum);
      }
      assert.equal(ours.digest("hex"), theirs.digest("hex"));
      assert.equal(sum, nodeCrc32(Buffer.concat(all)));
    }),
  );
});

test("texts become bytes, and bytes texts, as in Node's Buffer", () => {
  const encodings = ["utf8", "latin1", "utf16le", "hex", "base64"] as const;
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.uint8Array(), (text, bytes) => {
      const even = bytes.subarray(0, bytes.length & ~1);
      for (const encoding of encodings) {
        const given = encoding === "utf16le" ? even : bytes;
        const shown = Buffer.from(given).toString(encoding);
        assert.equal(TabBuffer.from(given).toString(encoding), shown, encoding);
        const plain = encoding === "hex" || encoding === "base64" ? shown : text;
        const latin = [...plain].every((one) => one.codePointAt(0)! < 0x100);
        if (encoding === "latin1" && !latin) continue;
        assert.deepEqual(
          [...TabBuffer.from(plain, encoding)],
          [...Buffer.from(plain, encoding)],
          encoding,
        );
      }
      const both = TabBuffer.concat([TabBuffer.from(text), bytes]);
      assert.equal(both.indexOf(text), Buffer.concat([Buffer.from(text), bytes]).indexOf(text));
    }),
  );
});

test("long runs of one-byte text are read as by Node, wherever they lie in their buffer", () => {
  const some = fc.uint8Array({ minLength: 1, maxLength: 300, max: 0x7f });
  const place = fc.record({ at: fc.nat(7), other: fc.constantFrom(null, 0x80, 0x9f, 0xff) });
  fc.assert(
    fc.property(some, place, fc.nat(), (ascii, { at, other }, chosen) => {
      const whole = new TabBuffer(at + ascii.length + 3).fill(0xff);
      const bytes = whole.subarray(at, at + ascii.length);
      bytes.set(ascii);
      if (other !== null) bytes[chosen % bytes.length] = other;
      assert.equal(isAscii(bytes), nodeIsAscii(bytes));
      assert.equal(bytes.toString("latin1"), Buffer.from(bytes).toString("latin1"));
    }),
  );
});

test("files in memory are read where they were written, and have a bound", () => {
  const bytes = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * 7) % 251);
  const fd = files.openSync("/a", "w");
  for (let at = 0; at < bytes.length; at += 700_001) {
    files.writeSync(fd, bytes.subarray(at, at + 700_001));
  }
  files.closeSync(fd);
  const read = files.openSync("/a", "r");
  const into = new Uint8Array(3_000);
  let filled = 0;
  while (filled < into.length)
    filled += files.readSync(read, into, filled, 3_000 - filled, 1_047_000 + filled);
  assert.deepEqual(into, bytes.slice(1_047_000, 1_050_000));
  files.closeSync(read);
  assert.deepEqual(Buffer.concat(files.takeFile("/a")!), Buffer.from(bytes));
  assert.equal(files.filesBytes(), 0);
  assert.throws(() => files.openSync("/a", "r"), { code: "ENOENT" });
  files.limitFiles(1024 * 1024);
  const full = files.openSync("/b", "w");
  assert.throws(() => files.writeSync(full, bytes), { code: "ENOSPC" });
  files.rmSync("/b");
  assert.equal(files.filesBytes(), 0);
});

const lines = fc.array(
  fc.string({ maxLength: 40 }).map((line) => line.replaceAll("\n", " ")),
  { maxLength: 12 },
);
const cuts = fc.array(fc.nat(400), { maxLength: 4 });

/** A file in pieces that end at these offsets. */
function cutPlan(path: string, bytes: Uint8Array, at: readonly number[]): Plan {
  writeFileSync(path, bytes);
  const { mtimeMs } = statSync(path);
  const ends = [...new Set([0, ...at, bytes.length])].filter((end) => end <= bytes.length);
  ends.sort((a, b) => a - b);
  const place = { kind: "path", host: "here", path, mtimeMs } as const;
  const sizeBytes = bytes.length;
  const file = { name: "file", compression: "none", sizeBytes, at: place } as const;
  const splits = ends.slice(1).map((end, i) => ({
    input: "default",
    pieces: [[0, ends[i]!, end] as const],
  }));
  const common = { version: 1, items: null, params: {}, reducers: 1, spillBytes: 1e6 } as const;
  return { ...common, files: [file], splits };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

test("wherever a file is cut, a tab reads what a worker's supervisor streams", async () => {
  const folder = newFolder("tab-pieces-");
  const same = fc.asyncProperty(lines, cuts, fc.boolean(), async (all, at, isClosed) => {
    const whole = Buffer.from(all.join("\n") + (isClosed && all.length > 0 ? "\n" : ""));
    const plan = cutPlan(join(folder, "file"), whole, at);
    const read = async (_: number, start: number, end: number) =>
      Uint8Array.from(whole.subarray(start, end));
    for (let task = 0; task < plan.splits.length; task++) {
      const pieces = (await piecesOf(plan, task, read)).filter(({ bytes }) => bytes.length > 0);
      const sink = new FrameCollector();
      const { signal } = new AbortController();
      await streamSplit({ plan, task, open: openLocal, sink, signal });
      const shown = pieces.map(({ bytes, file, head, offset }) => {
        return { file, offset, head: head === null ? null : latin1(head), bytes: latin1(bytes) };
      });
      assert.deepEqual(shown, sink.pieces());
    }
  });
  try {
    await fc.assert(same, { numRuns: 60 });
  } finally {
    removeFolder(folder);
  }
});
