/** Words and their offsets, against the expression that says what a word is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { wordsOf } from "../../sdk/local/words.ts";
import { type ByteSource, memorySource } from "./byte-source.ts";
import { isWordCodePoint } from "./letters.ts";
import { RecordPosition } from "./lines.ts";
import { WordTable, wordsMax } from "./words/word-table.ts";
import { WordCutter } from "./words.ts";

type Word = readonly [offset: number, word: string];
const pieceOffset = 1000;
/** Kept from cut to cut, as in a process that does many tasks. */
const tables = { lower: new WordTable(true), exact: new WordTable(false) };

/** Reads as a pipe does: first `first` bytes, then all there is. */
function cutAt(bytes: Buffer, first: number): ByteSource {
  const piece = { file: 0, offset: pieceOffset, head: null, bytes };
  const source = memorySource([piece]);
  let most = first;
  return {
    nextPiece: () => source.nextPiece(),
    read(into, at) {
      const count = source.read(into.subarray(0, at + most), at);
      most = into.length;
      return count;
    },
  };
}

function cut(bytes: Buffer, first: number, lowercase = false): Word[] {
  const source = cutAt(bytes, Math.max(1, first));
  const position = new RecordPosition();
  const table = lowercase ? tables.lower : tables.exact;
  const words: Word[] = [];
  const visit = (word: string) => {
    assert.equal(word, table.text);
    words.push([position.offset, word]);
  };
  const cutter = new WordCutter({ source, position, table, visit });
  cutter.cut(source.nextPiece()?.offset ?? 0);
  return words;
}

/** Line by line, as the judge does. */
function expected(bytes: Buffer, lowercase = false): Word[] {
  const words: Word[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const next = found === -1 ? bytes.length : found + 1;
    for (const { offset, text } of wordsOf(bytes.subarray(start, next), start, lowercase)) {
      words.push([pieceOffset + offset, text]);
    }
    start = next;
  }
  return words;
}

const valid = fc.constantFrom(
  ..."aZ9'’_-. \n\n\t\0éÉßİΣσς日本語한ёЁ😀𝒜𝟘\u0301\u200d\u00a0\ufeff\ufffd\u00ad٣",
  "word",
  "Don't",
  "sixteen-letters!",
  "sixteenlettersxx",
  "seventeenLettersX",
  "ein sehr langes Wort",
  "\r\n",
);
const anyCharacter = fc.string({ unit: "binary", maxLength: 2 });
const invalid = fc
  .constantFrom("ff", "80", "e697", "c3", "c080", "c1bf", "eda080", "e0809f", "f09f98", "f4908080")
  .map((hex) => Buffer.from(hex, "hex"));
const content = fc
  .array(
    fc.oneof({ weight: 8, arbitrary: valid }, { weight: 2, arbitrary: anyCharacter }, invalid),
    { maxLength: 40, size: "max" },
  )
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

test("words and offsets are those of the expression, for any bytes", () => {
  fc.assert(
    fc.property(content, fc.boolean(), (bytes, lowercase) => {
      assert.deepEqual(cut(bytes, bytes.length, lowercase), expected(bytes, lowercase));
    }),
    { numRuns: 1000 },
  );
});

test("words are the same wherever the pipe cuts their bytes", () => {
  fc.assert(
    fc.property(content, (bytes) => {
      const whole = expected(bytes);
      for (let at = 1; at < bytes.length; at++) assert.deepEqual(cut(bytes, at), whole, `at ${at}`);
    }),
    { numRuns: 30 },
  );
});

test("every code point is classified as the engine does", () => {
  const wordCharacter = /[\p{L}\p{M}\p{N}]/u;
  for (let point = 0; point < 0x110000; point += 1 + (point >> 9)) {
    const isWord = wordCharacter.test(String.fromCodePoint(point));
    assert.equal(isWordCodePoint(point), isWord, point.toString(16));
  }
});

test("a word is a run of letters, marks and numbers, with apostrophes inside", () => {
  const words = (text: string) => cut(Buffer.from(text), 99).map(([, word]) => word);
  assert.deepEqual(words("'It''s' don’t, rock'n'roll's' x_y"), [
    "It",
    "s",
    "don’t",
    "rock'n'roll's",
    "x",
    "y",
  ]);
  assert.deepEqual(words("naïve 東京2024 e\u0301te\u0301 1.5"), [
    "naïve",
    "東京2024",
    "e\u0301te\u0301",
    "1",
    "5",
  ]);
});

test("words that differ only in their length or in their zeros are kept apart", () => {
  const letters = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  const text = Array.from(letters, (_, i) => letters.slice(i)).join(" ");
  assert.deepEqual(
    cut(Buffer.from(`${text} ${text}`), 99),
    expected(Buffer.from(`${text} ${text}`)),
  );
});

test("equal words are one string, and more words than are kept come out right", () => {
  const count = wordsMax + 20_000;
  const text = Array.from({ length: count }, (_, i) => `w${i} same`).join("\n");
  const words = cut(Buffer.from(text), 70_000);
  assert.equal(words.length, 2 * count);
  for (let i = 0; i < count; i++) {
    if (words[2 * i]?.[1] !== `w${i}` || words[2 * i + 1]?.[1] !== "same") assert.fail(`word ${i}`);
  }
});

test("a word longer than the buffer is whole", () => {
  const bytes = Buffer.from(`a ${"é".repeat(300_000)}'s b`);
  assert.deepEqual(cut(bytes, 5), expected(bytes));
});
