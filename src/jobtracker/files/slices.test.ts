/** Slices of data files: whole lines, of at least 500 characters, nothing lost. */
import assert from "node:assert/strict";
import test from "node:test";
import { sliceMaxBytes, slices } from "./slices.ts";

async function cut(text: string, chunkBytes: number): Promise<string[]> {
  const bytes = Buffer.from(text);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    chunks.push(bytes.subarray(at, at + chunkBytes));
  }
  const made: string[] = [];
  for await (const slice of slices(chunks)) made.push(String(slice));
  return made;
}

test("slices are whole lines of at least 500 characters, however the bytes come", async () => {
  const text = Array.from({ length: 300 }, (_, i) => `línea ${i} ñandú\n`).join("");
  const whole = await cut(text, 1 << 20);
  assert.equal(whole.join(""), text);
  assert.ok(whole.slice(0, -1).every((slice) => slice.length >= 500 && slice.endsWith("\n")));
  // One line less would be too short.
  assert.ok(whole.slice(0, -1).every((slice) => slice.length < 500 + "línea 299 ñandú\n".length));
  for (const chunkBytes of [1, 7, 499, 500]) assert.deepEqual(await cut(text, chunkBytes), whole);
});

test("an empty file has no slice, and one without a newline at its end loses nothing", async () => {
  assert.deepEqual(await cut("", 10), []);
  assert.deepEqual(await cut("no newline", 3), ["no newline"]);
  assert.deepEqual(await cut("\n\n\n", 1), ["\n\n\n"]);
});

test("slices of a large file grow, so that there are not too many", async () => {
  const text = "0123456789 0123456789 0123456789\n".repeat(200_000);
  const made = await cut(text, 1 << 20);
  assert.equal(made.join(""), text);
  assert.ok(made.length < 600, `${made.length} slices`);
  assert.ok(made.slice(0, 64).every((slice) => slice.length < 540));
});

test("a line without end is cut between two characters", async () => {
  const text = `x${"ñ".repeat(sliceMaxBytes / 2)}`;
  const made = await cut(text, 1 << 20);
  assert.equal(made.length, 2);
  assert.equal(made.join(""), text);
});
