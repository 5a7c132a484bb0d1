/** `Buffer` of a tab does what Node's does, call for call: equal values, bytes and error codes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TabBuffer } from "../../src/worker/browser/node-shims/tab-buffer.ts";
import fc from "../fixtures/fast-check.ts";

type Made = Uint8Array & Record<string, (...args: unknown[]) => unknown>;
type Kind = Record<string, (...args: unknown[]) => unknown>;
const [node, tab] = [Buffer, TabBuffer] as unknown as [Kind, Kind];

/** What a call gives, as text: views by their bytes, errors by class and code. */
function outcome(call: () => unknown): string {
  try {
    return shown(call());
  } catch (error) {
    const { code, constructor: made } = error as { code?: string; constructor: { name: string } };
    return `${made.name} ${code}`;
  }
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${[...value].join()}`;
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  return JSON.stringify(value) ?? String(value);
}

/** Names of Node's that the tab's has not: undocumented, or for people. */
const leftOut = /(Slice|Write)$|^(inspect|asciiWriteStatic|latin1WriteStatic|utf8WriteStatic)$/;

test("all documented members of Node's Buffer are there", () => {
  const lacking = (of: object, ours: object) =>
    Object.getOwnPropertyNames(of).filter((name) => !leftOut.test(name) && !(name in ours));
  assert.deepEqual(lacking(Buffer, TabBuffer), []);
  assert.deepEqual(lacking(Buffer.prototype, TabBuffer.prototype), []);
});

const encodings = "utf8 UTF-8 hex base64 base64url latin1 binary ascii ucs2 utf16le nonsense";
const encoding = fc.constantFrom<unknown[]>(...encodings.split(" "), undefined);
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  fc.constantFrom("", "ab=", "a-_b", "zz", "abc", "a b=c", "\ud800x", "é"),
);
const offset = fc.option(fc.integer({ min: -20, max: 20 }), { nil: undefined });
const bytes = fc.uint8Array({ maxLength: 16 });
const number = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom<unknown[]>(0xffff, 0x1_0000, -0x8000, 2 ** 32, 2 ** 47, -(2 ** 47), "7", null),
);
const value = fc.oneof(number, text, bytes, fc.boolean());
const lists = fc.array(bytes, { maxLength: 3 });
const runs = { numRuns: 400 };

/** The same call of both, on copies of the same bytes. */
function same(name: string, of: Uint8Array, ...args: unknown[]): void {
  const [theirs, ours] = [Buffer.from(of), TabBuffer.from(of)] as unknown as [Made, Made];
  const what = `${name}(${args.map(shown).join(", ")}) of ${[...of].join()}`;
  const expected = outcome(() => theirs[name]?.(...args));
  assert.equal(
    outcome(() => ours[name]?.(...args)),
    expected,
    what,
  );
  assert.deepEqual([...ours], [...theirs], `${what}: afterwards`);
}

function sameStatic(name: string, ...args: unknown[]): void {
  const expected = outcome(() => node[name]?.(...args));
  assert.equal(
    outcome(() => tab[name]?.(...args)),
    expected,
    `${name}(${args.map(shown).join(", ")})`,
  );
}

test("texts in any encoding become the same bytes, sizes and texts", () => {
  fc.assert(
    fc.property(fc.tuple(text, encoding, bytes, offset, offset), ([given, how, of, from, to]) => {
      sameStatic("from", given, how);
      sameStatic("byteLength", given, how);
      sameStatic("isEncoding", how);
      same("toString", of, how, from, to);
    }),
    runs,
  );
});

test("hex and base64 of wide characters are read by their low bytes, as in Node", () => {
  for (const wide of ["\u0234\u0331", "41\u2230\u2233", "\u0234g", "é\u0234", "\ud834\udf61"]) {
    for (const how of ["hex", "base64"]) {
      sameStatic("from", wide, how);
      same("fill", Uint8Array.of(0, 0), wide, how);
      same("write", Uint8Array.of(0, 0), wide, how);
    }
  }
});

const searches = ["indexOf", "lastIndexOf", "includes"];

/** Whether Node 24.21 survives the search: with some texts it ends the process. */
function isSafe(wanted: unknown, encoding: unknown): boolean {
  if (/16|ucs/.test(String(encoding))) return false;
  if (typeof wanted !== "string") return true;
  return /^[ -~]*$/.test(wanted) && /^(undefined|utf8|UTF-8|latin1)$/.test(String(encoding));
}

test("texts are found in UTF-16 where Node finds them", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.tuple(word, word, word), ([before, wanted, after]) => {
      const of = Buffer.from(before + wanted + after, "utf16le");
      for (const name of searches) same(name, of, wanted, undefined, "utf16le");
    }),
    runs,
  );
});

test("what is found, filled, written and compared is the same", () => {
  fc.assert(
    fc.property(fc.tuple(bytes, value, offset, offset, encoding), ([of, given, from, to, how]) => {
      for (const name of isSafe(given, how) ? searches : []) same(name, of, given, from, how);
      same("fill", of, given, from, to, how);
      same("fill", of, given, how);
      if (typeof given === "string") {
        same("write", of, given, from, to, how);
        same("write", of, given, how);
      }
      same("equals", of, given);
      same("compare", of, given, from, to);
      same("subarray", of, from, to);
      same("slice", of, from, to);
    }),
    runs,
  );
});

test("numbers of every kind are read and written alike, at any place", () => {
  const names = Object.getOwnPropertyNames(Buffer.prototype);
  const numeric = names.filter((name) => /^(read|write)(Big)?(U?[Ii]nt|Float|Double)/.test(name));
  assert.equal(numeric.length, 62);
  const size = fc.oneof(fc.integer({ min: 0, max: 8 }), offset);
  const big = fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n });
  fc.assert(
    fc.property(fc.tuple(bytes, number, big, offset, size), ([of, given, large, at, sized]) => {
      for (const name of numeric) {
        if (name.startsWith("read")) same(name, of, at, sized);
        else same(name, of, /Big/.test(name) ? large : given, at, sized);
      }
    }),
    { numRuns: 150 },
  );
});

test("buffers are made of the same things", () => {
  const things: unknown[] = [
    [1, 256, -1, 1.5, "7", "x"],
    Uint16Array.of(1, 515),
    Uint8Array.of(1, 2, 3).buffer,
    { length: 2, 0: 7, 1: 8 },
    { length: "2" },
    { type: "Buffer", data: [1, 2] },
    new String("é"),
    { [Symbol.toPrimitive]: () => "of a primitive" },
    5,
    null,
    undefined,
    {},
    Symbol.iterator,
  ];
  for (const thing of things) {
    for (const rest of [[], [1], [1, 1], [9], [0, 9], [-1], ["hex"]]) {
      sameStatic("from", thing, ...rest);
    }
    sameStatic("isBuffer", thing);
    sameStatic("byteLength", thing);
    sameStatic("concat", [thing]);
  }
  fc.assert(
    fc.property(fc.tuple(lists, offset, value, encoding), ([all, size, fill, how]) => {
      sameStatic("concat", all, size);
      sameStatic("alloc", size, fill, how);
      sameStatic("compare", all[0], all[1]);
      sameStatic("copyBytesFrom", Uint16Array.from(all[0] ?? []), size);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.tuple(bytes, bytes, offset, offset, offset), ([of, into, at, from, to]) => {
      const copied = (kind: typeof Buffer) => {
        const target = kind.from(into);
        const call = () => (kind.from(of) as unknown as Made).copy!(target, at, from, to);
        return [outcome(call), ...target];
      };
      assert.deepEqual(
        copied(TabBuffer as never),
        copied(Buffer),
        [at, from, to].map(shown).join(),
      );
    }),
    runs,
  );
});

test("swapping, JSON and bytes of a part share what they share in Node", () => {
  for (const length of [0, 3, 4, 8, 16]) {
    const of = Uint8Array.from({ length }, (_, n) => n);
    for (const name of ["swap16", "swap32", "swap64", "toJSON"]) same(name, of);
  }
  const [theirs, ours] = [Buffer.from("abcdef"), TabBuffer.from("abcdef")];
  for (const all of [theirs, ours] as unknown as Made[]) {
    const part = all.slice(1, 3) as unknown as Made;
    part[0] = 90;
    assert.equal(String(all), "aZcdef");
  }
  assert.equal(ours.parent, ours.buffer);
});
