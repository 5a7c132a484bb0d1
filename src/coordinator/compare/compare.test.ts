/** The first record in which two results differ: what is read a piece at a time is found as by
 *  comparing them whole. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { Arena } from "../../wire/block/arena.ts";
import { crc32 } from "../../wire/block/crc32.ts";
import { writeKey } from "../../wire/block/key.ts";
import { RunWriter } from "../../wire/block/run.ts";
import { writeValue } from "../../wire/block/value.ts";
import { differingEntry } from "./entries.ts";
import { differingLine } from "./lines.ts";
import { Comparisons } from "./outputs.ts";

/** One buffer for all pieces, as readers of files have it. */
async function* inPieces(bytes: Uint8Array, most: number): AsyncGenerator<Uint8Array> {
  const shared = Buffer.alloc(most);
  for (let at = 0; at < bytes.length; at += most) {
    const piece = bytes.subarray(at, at + most);
    shared.set(piece);
    yield shared.subarray(0, piece.length);
  }
}

const linesOf = (text: string) => (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");

/** By whole texts. */
function expected(one: string, other: string) {
  const [first, second] = [one, other].map((text) => (text === "" ? [] : linesOf(text)));
  const length = Math.max(first!.length, second!.length);
  for (let number = 0; number < length; number++) {
    const [a, b] = [first![number], second![number]];
    if (a !== b) return { number, first: a ?? "", second: b ?? "" };
  }
  return null;
}

test("the first line that differs is found, however the texts are cut", async () => {
  const line = fc.stringMatching(/^[ab]{0,3}$/);
  const text = fc
    .tuple(fc.array(line, { maxLength: 6 }), fc.boolean())
    .map(([lines, ends]) => lines.join("\n") + (ends ? "\n" : ""));
  const pieces = fc.integer({ min: 1, max: 5 });
  await fc.assert(
    fc.asyncProperty(text, text, pieces, pieces, async (one, other, mostA, mostB) => {
      const [a, b] = [inPieces(Buffer.from(one), mostA), inPieces(Buffer.from(other), mostB)];
      assert.deepEqual(await differingLine(a, b), expected(one, other));
    }),
    { numRuns: 2_000 },
  );
});

test("texts of any size are compared, and of a long line the beginning is shown", async () => {
  async function* text(last: string): AsyncGenerator<Uint8Array> {
    const piece = Buffer.alloc(1024 * 1024, "0123456\n");
    for (let count = 0; count < 80; count++) yield piece;
    yield Buffer.alloc(1024 * 1024, "x");
    yield Buffer.from(last);
  }
  assert.equal(await differingLine(text("a"), text("a")), null);
  const found = await differingLine(text("a"), text("b"));
  assert.equal(found?.number, 80 * 128 * 1024);
  assert.match(found?.first ?? "", /^x{100,}$/);
});

function run(entries: ReadonlyArray<readonly [string, unknown]>): Uint8Array {
  const chunks: Uint8Array[] = [];
  const writer = new RunWriter((bytes) => chunks.push(bytes.slice()), crc32);
  for (const [name, content] of entries) {
    const [key, value] = [new Arena(64), new Arena(64)];
    writeKey(key, name, "the test");
    writeValue(value, content, "the test");
    writer.key(key.bytes, 0, key.length);
    writer.value(value.bytes, 0, value.length);
  }
  writer.finish();
  return Buffer.concat(chunks);
}

test("the first entry that differs is found, and nothing stays on the disk", async (t) => {
  const dir = temporaryDir(t, "tequio-compare-");
  const entries = Array.from({ length: 30_000 }, (_, n) => [`k${n}`, n] as const);
  const other = entries.with(20_001, ["k20001", -1]);
  const differing = (a: Uint8Array, b: Uint8Array) =>
    differingEntry([inPieces(a, 10_000), inPieces(b, 7_001)], dir);
  assert.equal(await differing(run(entries), run(entries)), null);
  assert.deepEqual(await differing(run(entries), run(other)), {
    number: 20_001,
    first: '"k20001" → 20001',
    second: '"k20001" → -1',
  });
  assert.deepEqual(await differing(run(entries), run(entries.slice(0, 5))), {
    number: 5,
    first: '"k5" → 5',
    second: "",
  });
  assert.deepEqual(await differing(run([]), run(entries)), {
    number: 0,
    first: "",
    second: '"k0" → 0',
  });
  await assert.rejects(differing(run(entries), run(entries).subarray(0, -1)), /damaged|trailer/);
  assert.deepEqual(readdirSync(dir), []);
});

test("what a kill has left of a comparison is removed at the next start", async (t) => {
  const dir = temporaryDir(t, "tequio-compare-");
  mkdirSync(join(dir, "compare"));
  writeFileSync(join(dir, "compare", "left"), "");
  await new Comparisons(dir).idle();
  assert.deepEqual(readdirSync(dir), []);
});
