/** Results of the protocol as lines of JSON. */
import assert from "node:assert/strict";
import test from "node:test";
import { PyFloat, PyTuple, type PyValue } from "../../wire/filesystem/value.ts";
import { resultLines } from "./rows.ts";

const pair = (key: PyValue, value: PyValue) => new PyTuple([key, value]);

test("pairs become lines that keep every digit, and tuples lists", () => {
  const lines = resultLines([
    pair("ñ", 10n ** 30n),
    pair(new PyTuple(["a", 1n]), [new PyFloat(2), new PyFloat(0.1), null, true]),
    pair(1n, new Map<PyValue, PyValue>([[2n, "two"]])),
  ]);
  assert.deepEqual(
    [...lines],
    [
      '{"key":"ñ","value":1000000000000000000000000000000}\n',
      '{"key":["a",1],"value":[2.0,0.1,null,true]}\n',
      '{"key":1,"value":{"2":"two"}}\n',
    ],
  );
});

test("what is no list of pairs, or what JSON cannot hold, is named", () => {
  const cases: ReadonlyArray<readonly [PyValue, RegExp]> = [
    [new Map(), /holds dict where a list of pairs must be/],
    [[1n], /a list with int where a pair must be/],
    [[pair("k", Buffer.from("x"))], /bytes/],
    [[pair("k", new PyFloat(Number.NaN))], /NaN/],
  ];
  for (const [result, expected] of cases) assert.throws(() => [...resultLines(result)], expected);
});
