/** Values, JSON and rows: everything reads back or is refused, with its type and place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { Arena } from "./arena.ts";
import { jsonText } from "./json.ts";
import { csvCell, rowText } from "./row.ts";
import { readValue, type Value, writeValue } from "./value.ts";

const scalar = fc.oneof(
  fc.constantFrom(null, undefined, true, false, -0, NaN, Infinity, 2 ** 30, -(2 ** 30), 2 ** 48),
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\ud800", "\udc00", "x") }),
  fc.string({ unit: "grapheme", minLength: 30, maxLength: 200 }),
  fc.uint8Array(),
);
const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

function encoded(value: unknown): Uint8Array {
  const arena = new Arena(1);
  writeValue(arena, value, "a test");
  return arena.view();
}

test("every value reads back as it was", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encoded(value);
      assert.deepStrictEqual(readValue(bytes, 0, bytes.length), value);
    }),
    { numRuns: 1000 },
  );
});

test("small whole numbers take two bytes", () => {
  assert.deepEqual([...encoded(1)], [4, 2]);
  assert.deepEqual([...encoded(-1)], [4, 1]);
  assert.deepEqual([...encoded("né")], [6, 3, 0x6e, 0xc3, 0xa9]);
});

test("a value cut at any byte is data-lost", () => {
  const bytes = encoded({ name: "Ω", list: [1, 2.5, new Uint8Array(3)], more: { x: null } });
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => readValue(bytes, 0, end), { code: "data-lost" });
  }
});

test("damaged value bytes give a value or data-lost, never another error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
      try {
        readValue(bytes, 0, bytes.length);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "data-lost");
      }
    }),
    { numRuns: 3000 },
  );
});

test("what cannot be stored is refused, with its type and place", () => {
  class Point {}
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  for (const [value, message] of [
    [{ tags: [1, () => 1] }, /a function at \.tags\[1\] in map/],
    [[10n], /a bigint at \[0\]/],
    [Symbol("x"), /a symbol in map/],
    [{ at: new Point() }, /an instance of Point at \.at/],
    [new Date(0), /an instance of Date/],
    [cyclic, /over 200 levels deep \(or a cycle\)/],
  ] as const) {
    assert.throws(() => encoded2(value), message);
    assert.throws(() => jsonText(value, "map"), message);
  }
  assert.throws(() => jsonText([1, NaN], "reduce"), /NaN at \[1\] in reduce/);
});

function encoded2(value: unknown): void {
  writeValue(new Arena(), value, "map");
}

test("JSON text is that of JSON.stringify where JSON can represent the value", () => {
  const plain = fc.jsonValue({ stringUnit: "binary" });
  fc.assert(
    fc.property(plain, (value) => {
      assert.equal(jsonText(value, "a test"), JSON.stringify(value));
    }),
  );
  assert.equal(jsonText({ a: undefined, b: [undefined] }, "a test"), '{"b":[null]}');
});

test("bytes are base64 in JSON", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.equal(jsonText(bytes, "a test"), `"${Buffer.from(bytes).toString("base64")}"`);
    }),
  );
});

test("rows quote what would break a line", () => {
  const row = (format: "ndjson" | "text", value: Value) =>
    rowText(format, 'a,"b"\t', value, "reduce");
  assert.equal(row("ndjson", [1]), '{"key":"a,\\"b\\"\\t","value":[1]}\n');
  assert.equal(csvCell('a,"b"\t', "a test"), '"a,""b""\t"');
  assert.equal(csvCell([1, 2], "a test"), '"[1,2]"');
  assert.equal(csvCell(null, "a test"), "");
  assert.equal(csvCell("", "a test"), '""');
  assert.equal(row("text", "x\n\\y"), 'a,"b"\\t\tx\\n\\\\y\n');
  assert.equal(row("text", { n: 1 }), 'a,"b"\\t\t{"n":1}\n');
});
