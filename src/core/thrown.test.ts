/** What people read of anything that can be thrown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { errorsIn, harmless, shown } from "./thrown.ts";

test("causes and parts of an error are listed, outermost first, within bounds", () => {
  const inner = new RangeError("too deep");
  const outer = new Error("cannot read", { cause: new TypeError("no row", { cause: inner }) });
  assert.equal(
    shown(outer),
    "Error: cannot read; caused by TypeError: no row; caused by RangeError: too deep",
  );
  const all = new AggregateError([inner, "text", { code: 5 }], "none worked");
  assert.equal(
    shown(all),
    'AggregateError: none worked [RangeError: too deep; "text"; {"code":5}]',
  );
  assert.deepEqual(errorsIn(all), [all, inner]);
  const many = new AggregateError(Array.from({ length: 9 }, () => new Error("x".repeat(900))));
  assert.ok(shown(many).length <= 2_000);
  const loop = new Error("round");
  loop.cause = loop;
  assert.equal(shown(loop), "Error: round; caused by Error (shown above)");
  let deep = new Error("0");
  for (let i = 1; i < 50; i++) deep = new Error(String(i), { cause: deep });
  assert.match(shown(deep), /Error: 44; and more causes$/);
});

test("each error has the place and the message that the caller knows for it", () => {
  const inner = Object.assign(new Error("in"), { code: "EIO" });
  const held = new Error("held");
  const outer = new AggregateError([{ held }, inner], "out", { cause: inner });
  const place = (error: Error) => (error === held ? "" : `a.ts:${error.message.length}`);
  const text = shown(outer, { place, message: (error) => error.message.toUpperCase() });
  const expected =
    'AggregateError: OUT (a.ts:3) [{"held":(Error: HELD)}; Error [EIO]: IN (a.ts:2)]; ' +
    "caused by Error (shown above)";
  assert.equal(text, expected);
  assert.deepEqual(errorsIn(outer), [outer, inner, held]);
  assert.deepEqual(errorsIn({ deep: [{ held }] }), [held], "also in objects that are no errors");
  const round: Record<string, unknown> = { held };
  round.self = round;
  assert.deepEqual(errorsIn(round), [held]);
});

test("a thrown value that is no error is described by its contents", () => {
  const round: Record<string, unknown> = { name: "n" };
  round.self = round;
  const hostile = new Proxy({}, { get: () => assert.fail("looked at") });
  const told: Array<readonly [unknown, string | RegExp]> = [
    [{ code: 5, why: "no" }, '{"code":5,"why":"no"}'],
    [{ big: 5n, of: new RangeError("r") }, '{"big":5n,"of":(RangeError: r)}'],
    [
      { err: new Error("outer", { cause: new RangeError("inner") }) },
      '{"err":(Error: outer; caused by RangeError: inner)}',
    ],
    [round, '{"name":"n","self":(shown above)}'],
    [[1, "a"], '[1,"a"]'],
    [null, "null"],
    [undefined, "undefined"],
    ["", '""'],
    ["text", '"text"'],
    ["null", '"null"'],
    [42, "42"],
    [42n, "42n"],
    [-0, "-0"],
    [{ none: undefined, not: Number.NaN, text: "42" }, '{"none":undefined,"not":NaN,"text":"42"}'],
    [{ at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    [Array.from({ length: 30 }, () => 1), `[${"1,".repeat(20)}… 10 more]`],
    [new Uint8Array(1e6), "1000000 bytes"],
    [{ bytes: new Uint8Array(1e6) }, '{"bytes":1000000 bytes}'],
    [Object.assign(new Error("no"), { code: "ENOENT" }), "Error [ENOENT]: no"],
    [Object.assign(new Error("EIO: bad"), { code: "EIO" }), "Error: EIO: bad"],
    [Object.assign(new Error("no"), { code: 404 }), "Error [404]: no"],
    [new DOMException("gone", "AbortError"), "AbortError: gone"],
    [
      {
        get broken() {
          return assert.fail("read");
        },
      },
      '{"broken":(cannot be read)}',
    ],
    [Symbol("s"), "Symbol(s)"],
    [function named() {}, "the function named"],
    [hostile, "something that cannot be shown"],
  ];
  for (const [thrown, text] of told) {
    if (typeof text === "string") assert.equal(shown(thrown), text);
    else assert.match(shown(thrown), text);
  }
});

test("what throws when it is asked what it is has a stand-in, and nothing else has", () => {
  const trap = () => assert.fail("asked");
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = [
    new Proxy({}, { getPrototypeOf: trap }),
    new Proxy(new Error("inside"), { get: trap }),
    new Proxy(() => {}, { get: trap }),
    revoked.proxy,
  ];
  for (const one of hostile) assert.equal(shown(harmless(one)), "something that cannot be shown");
  const plain = [new Error("e"), { a: 1 }, null, undefined, 5, "text", () => {}];
  for (const one of plain) assert.equal(harmless(one), one);
});

test("collections, dates and instances of classes are shown as what they are", () => {
  const told: Array<readonly [unknown, string | RegExp]> = [
    [new Map<unknown, unknown>([["a", new Set([1n])]]), 'Map {"a" => Set {1n}}'],
    [new Map(Array.from({ length: 30 }, (_, i) => [i, 0])), /^Map \{0 => 0,.*… 10 more\}$/],
    [new WeakMap(), "WeakMap {}"],
    [new Date(0), "Date 1970-01-01T00:00:00.000Z"],
    [new Date(Number.NaN), "an invalid Date"],
    [new Float64Array(2), "16 bytes"],
    [new ArrayBuffer(3), "3 bytes"],
    [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    [
      new (class Point {
        x = 1;
      })(),
      'Point {"x":1}',
    ],
    [class Point {}, "the class Point"],
    [
      { a: 1, toString: () => assert.fail("called") },
      /^\{"a":1,"toString":the function toString\}$/,
    ],
    [{ toString: () => 5 }, /^\{"toString":/],
    [
      Object.defineProperty(new RangeError("m"), "message", { get: () => assert.fail("read") }),
      "RangeError: its message cannot be read",
    ],
    [new Error("m", { cause: new Map([[1, 2]]) }), "Error: m; caused by Map {1 => 2}"],
  ];
  for (const [thrown, text] of told) {
    if (typeof text === "string") assert.equal(shown(thrown), text);
    else assert.match(shown(thrown), text);
  }
});
