/** Keys: every key reads back, and the bytes sort as the keys do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { Arena, compareBytes } from "./arena.ts";
import { type Key, readKey, writeKey } from "./key.ts";
import { checkedPartition, partitionOf } from "./partition.ts";

const scalar = fc.oneof(
  fc.constantFrom(null, false, true, 0, 1, -1, Number.MAX_VALUE, -Number.MIN_VALUE, Infinity),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("\0", "\x01", "a", "\uffff", "\ud800", "\udc00", "😀") }),
);
const anyKey = fc.letrec<{ key: Key }>((tie) => ({
  key: fc.oneof(
    { depthSize: "small" },
    scalar as fc.Arbitrary<Key>,
    fc.array(tie("key"), { maxLength: 4 }),
  ),
})).key;

function encoded(key: Key): Uint8Array {
  const arena = new Arena(1);
  writeKey(arena, key, "a test");
  return arena.view();
}

/** The order that the SDK documents, implemented a second time without bytes. */
function compareKeys(a: Key, b: Key): number {
  const rank = (key: Key) =>
    key === null ? 0 : ["boolean", "number", "string", "object"].indexOf(typeof key) + 1;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let i = 0; i < Math.min(a.length, b.length); i++) {
      const order = compareKeys(a[i] as Key, b[i] as Key);
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  if (typeof a === "string" && typeof b === "string") return compareCodePoints(a, b);
  return Number(a) === Number(b) ? 0 : Number(a) < Number(b) ? -1 : 1;
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, (c) => c.codePointAt(0) as number);
  const right = Array.from(b, (c) => c.codePointAt(0) as number);
  const at = left.findIndex((code, i) => code !== right[i]);
  if (at === -1) return left.length - right.length;
  return at >= right.length ? 1 : (left[at] as number) - (right[at] as number);
}

test("every key reads back, with minus zero as zero", () => {
  fc.assert(
    fc.property(anyKey, (key) => {
      const bytes = encoded(key);
      assert.deepEqual(readKey(bytes, 0, bytes.length), positiveZero(key));
    }),
    { numRuns: 500 },
  );
});

function positiveZero(key: Key): Key {
  if (Array.isArray(key)) return (key as readonly Key[]).map(positiveZero);
  return key === 0 ? 0 : key;
}

test("the bytes of keys sort as the keys do", () => {
  fc.assert(
    fc.property(anyKey, anyKey, (a, b) => {
      assert.equal(Math.sign(compareBytes(encoded(a), encoded(b))), Math.sign(compareKeys(a, b)));
    }),
    { numRuns: 2000 },
  );
});

test("a value that cannot be a key is refused, with its type and place", () => {
  for (const [key, name] of [
    [Number.NaN, /NaN is a key in map/],
    [undefined, /undefined is a key/],
    [{ a: 1 }, /an object is a key/],
    [[1, [Number.NaN]], /NaN/],
    [10n, /a bigint/],
  ] as const) {
    assert.throws(() => writeKey(new Arena(), key as Key, "map"), { message: name });
  }
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  assert.throws(() => writeKey(new Arena(), cyclic as unknown as Key, "map"), /200 levels/);
});

test("damaged key bytes give a key or data-lost, never another error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
      try {
        readKey(bytes, 0, bytes.length);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "data-lost");
      }
    }),
    { numRuns: 2000 },
  );
});

test("the default partition is part of the format", () => {
  const of = (key: Key) => partitionOf(encoded(key), 1000);
  assert.deepEqual(
    ["", "the", "el niño", 1, null, ["a", 2]].map(of),
    [827, 408, 39, 324, 476, 275],
  );
});

test("a partition outside the range is a user error", () => {
  assert.equal(checkedPartition(2, 3), 2);
  for (const answer of [3, -1, 0.5, Number.NaN, "1", undefined]) {
    assert.throws(() => checkedPartition(answer, 3), /user-error.*0 to 2/);
  }
});
