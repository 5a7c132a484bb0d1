/** Which pieces of an input that is still being sent may be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pieceIsThere } from "./arrived.ts";

const mib = 1 << 20;
const file = { sizeBytes: 4 * mib, isWhole: false, isPlain: true, missing: [] };
const first = { start: 0, end: mib };
const second = { start: mib, end: 2 * mib };
const last = { start: 3 * mib, end: 4 * mib };

test("a piece may be read when it, the start of its file and a little behind it are there", () => {
  const half = { ...file, missing: [{ start: 2 * mib, end: 4 * mib }] };
  assert.ok(pieceIsThere(half, first));
  assert.ok(!pieceIsThere(half, second), "its last line may end behind it");
  assert.ok(pieceIsThere({ ...file, missing: [{ start: 3 * mib, end: 4 * mib }] }, second));
  assert.ok(!pieceIsThere({ ...file, missing: [{ start: 0, end: 1 }] }, second), "no first line");
  // The line that begins with it begins behind the newline before it.
  assert.ok(!pieceIsThere({ ...file, missing: [{ start: mib - 2, end: mib }] }, second));
  assert.ok(pieceIsThere({ ...file, missing: [{ start: mib - 2, end: mib - 1 }] }, second));
});

test("the last piece, and files that are read as a whole, wait until all of it is verified", () => {
  assert.ok(!pieceIsThere(file, last));
  assert.ok(!pieceIsThere({ ...file, isPlain: false }, first));
  assert.ok(pieceIsThere({ ...file, isWhole: true }, last));
  assert.ok(pieceIsThere({ ...file, isPlain: false, isWhole: true }, first));
});
