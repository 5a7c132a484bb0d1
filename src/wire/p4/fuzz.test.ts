/** Bytes and texts from other members: every decoder of the data channel returns a value or a typed
 *  refusal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import { hexOf } from "../hex.ts";
import * as data from "./data.ts";
import { rootBytesOf } from "./merkle.ts";
import { safeName } from "./names.ts";
import { linkText, parseLink } from "./share-link.ts";

const runs = 5_000;

function refusesOnly(code: ErrorCode, decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof ClusterError && error.code === code, String(error));
  }
}

const session = new Uint8Array(16).fill(7);
const pieces = [
  { first: 0, count: 3 },
  { first: 9, count: 2 ** 40 },
];
const opened: data.OpenAnswer = {
  session,
  fileName: "dir/ñ",
  root: new Uint8Array(32).fill(1),
  sizeBytes: 2 ** 41,
  pieceBytes: 2 ** 20,
  layer: new Uint8Array(64),
  have: pieces,
  expiresS: 3600,
  path: "/a/b",
  modifiedUs: 1_700_000_000_000_001,
  isExecutable: true,
};

const decoders: ReadonlyArray<readonly [Uint8Array, (bytes: Uint8Array) => unknown]> = [
  [
    data.encode(data.fileRequest, { filePath: "a/b" }, 100),
    (bytes) => data.decode(data.fileRequest, bytes),
  ],
  [
    data.encode(data.openRequest, { fileName: "a", root: session, session, host: "h" }, 200),
    (bytes) => data.decode(data.openRequest, bytes),
  ],
  [data.encode(data.openAnswer, opened, 1000), (bytes) => data.decode(data.openAnswer, bytes)],
  [
    data.encode(data.readRequest, { session, runs: pieces }, 200),
    (bytes) => data.decode(data.readRequest, bytes),
  ],
  [
    data.encode(data.layerAnswer, { hashes: new Uint8Array(64) }, 200),
    (bytes) => data.decode(data.layerAnswer, bytes),
  ],
  [Buffer.concat(data.readAnswerParts({ piece: 300, content: session })), data.readAnswerOf],
  [Buffer.concat(data.fileBytesParts(session)), (bytes) => data.fileBytesOf(bytes, 1000)],
];

test("messages that are cut, changed or random are read or refused", () => {
  for (const [sample, decode] of decoders) {
    const bent = fc
      .tuple(fc.nat(sample.length), fc.uint8Array({ maxLength: 12 }), fc.nat(sample.length))
      .map(([at, put, from]) =>
        Buffer.concat([sample.subarray(0, at), put, sample.subarray(from)]),
      );
    const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), bent);
    const check = (bytes: Uint8Array) => refusesOnly("protocol-violated", () => decode(bytes));
    fc.assert(fc.property(anyBytes, check), { numRuns: runs });
  }
});

test("every valid link reads back as the same text", () => {
  const root = "ab".repeat(32);
  const good = `tequio:host:1,[::1]:65535/${root}/#${"s".repeat(43)}.${root}`;
  const bent = fc.tuple(fc.nat(good.length), fc.string({ maxLength: 5 }), fc.nat(good.length));
  const texts = bent.map(([at, put, from]) => good.slice(0, at) + put + good.slice(from));
  const check = (text: string) =>
    refusesOnly("bad-request", () => {
      const link = parseLink(text);
      assert.deepEqual(parseLink(linkText(link)), link);
    });
  fc.assert(fc.property(fc.oneof(texts, fc.string()), check), { numRuns: runs });
});

test("F6: no accepted name leads out of the folder, however it is split", () => {
  const part = fc.constantFrom("..", ".", "a", "", "C:", "\\", "con", "/", " ", "\0", "é", "b.");
  const names = fc.oneof(
    fc.array(part, { maxLength: 6 }).map((parts) => parts.join("/")),
    fc.string(),
  );
  const check = (name: string) => {
    const safe = safeName(name);
    if ("problem" in safe) return;
    for (const one of safe.parts) {
      assert.ok(one !== "" && one !== "." && one !== ".." && !/[/\\\0]/.test(one), name);
    }
  };
  fc.assert(fc.property(names, check), { numRuns: runs });
});

test("roots are read as they are shown", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (root) => {
      assert.deepEqual(rootBytesOf(hexOf(root)), root);
    }),
  );
});
