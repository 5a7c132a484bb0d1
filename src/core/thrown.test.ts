/** What people read of anything that can be thrown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { errorsIn, shown } from "./thrown.ts";

test("causes and parts of an error are told, outermost first, within bounds", () => {
  const inner = new RangeError("too deep");
  const outer = new Error("cannot read", { cause: new TypeError("no row", { cause: inner }) });
  assert.equal(
    shown(outer),
    "Error: cannot read; caused by TypeError: no row; caused by RangeError: too deep",
  );
  const all = new AggregateError([inner, "text", { code: 5 }], "none worked");
  assert.equal(shown(all), 'AggregateError: none worked [RangeError: too deep; text; {"code":5}]');
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

test("what is no error is told by what it holds", () => {
  const round: Record<string, unknown> = { name: "n" };
  round.self = round;
  const hostile = new Proxy({}, { get: () => assert.fail("looked at") });
  const told: Array<readonly [unknown, string]> = [
    [{ code: 5, why: "no" }, '{"code":5,"why":"no"}'],
    [{ big: 5n, of: new RangeError("r") }, '{"big":"5","of":"RangeError: r"}'],
    [
      { err: new Error("outer", { cause: new RangeError("inner") }) },
      '{"err":"Error: outer; caused by RangeError: inner"}',
    ],
    [round, "an object with name, self"],
    [[1, "a"], '[1,"a"]'],
    [null, "null"],
    [undefined, "undefined"],
    ["", '""'],
    ["text", "text"],
    [Symbol("s"), "Symbol(s)"],
    [function named() {}, "the function named"],
    [hostile, "something that cannot be shown"],
  ];
  for (const [thrown, text] of told) assert.equal(shown(thrown), text);
});
