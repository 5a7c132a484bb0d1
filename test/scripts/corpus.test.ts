/** The generated book collection: the same bytes everywhere, large enough, and in many scripts. */
import assert from "node:assert/strict";
import test from "node:test";
import { writeBook } from "../../scripts/corpus/book.ts";
import { books, corpusDigest, digestOf } from "../../scripts/corpus.ts";

test("the books are the same bytes on every machine, and more than 20 MB", () => {
  const texts = books.map(writeBook);
  const sizeBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  assert.equal(digestOf(texts), corpusDigest);
  assert.ok(sizeBytes > 20_000_000, `${sizeBytes} bytes`);
  assert.equal(texts.length, 12);
  assert.ok(texts.some((text) => /\p{Script=Han}/u.test(text)));
  assert.ok(texts.some((text) => /[ñéüßç]/u.test(text)));
});
