/** Pickles: round trips, every kind of refusal, and bounds. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../../core/error.ts";
import { PyFloat, PyTuple, type PyValue } from "../value.ts";
import { refusedOps } from "./opcodes.ts";
import { readPickle } from "./reader.ts";
import { writePickle } from "./writer.ts";

const values: readonly PyValue[] = [
  null,
  true,
  false,
  0n,
  -1n,
  255n,
  256n,
  65_535n,
  65_536n,
  -(2n ** 31n),
  2n ** 31n,
  -(2n ** 63n),
  3n ** 5_000n,
  new PyFloat(-0),
  new PyFloat(Number.NaN),
  "",
  "é😀\n",
  "x".repeat(300),
  new Uint8Array(0),
  Uint8Array.from({ length: 300 }, (_, index) => index & 255),
  [],
  [1n],
  Array.from({ length: 2_500 }, (_, index) => BigInt(index)),
  new PyTuple([]),
  new PyTuple([1n]),
  new PyTuple(["a", [1n, new PyFloat(2)], null, true]),
  new Map<PyValue, PyValue>([
    ["a", 1n],
    [2n, [new Map()]],
  ]),
];

test("what is written reads back, and nothing that is cut off does", () => {
  for (const value of values) {
    const bytes = writePickle(value);
    assert.deepEqual(readPickle(bytes), value);
    const step = Math.max(1, Math.floor(bytes.length / 200));
    for (let at = 0; at < bytes.length; at += step) {
      assert.throws(() => readPickle(bytes.subarray(0, at)), ClusterError);
    }
  }
});

test("every opcode that would look up, call or build something is refused by its name", () => {
  for (const [code, name] of refusedOps) {
    const bytes = Uint8Array.of(0x80, 4, 0x4e, code, 0x2e);
    assert.throws(() => readPickle(bytes), new RegExp(`has ${name}, which would build`));
  }
});

test("a pickle that contains itself, or grows by its memo, is refused", () => {
  const itself = Uint8Array.of(0x5d, 0x94, 0x68, 0, 0x61, 0x2e);
  assert.throws(() => readPickle(itself), /holds itself/);
  // Each list holds the previous one ten times.
  const bomb = [0x28, 0x5d, 0x94, 0x4e, 0x61];
  for (let level = 1; level < 60; level++) {
    bomb.push(
      0x5d,
      0x94,
      0x28,
      ...Array(10)
        .fill([0x68, level - 1])
        .flat(),
      0x65,
    );
  }
  assert.throws(() => readPickle(Uint8Array.from([...bomb, 0x6c, 0x2e])), /more than/);
  const deep = Uint8Array.from([...Array(200).fill(0x5d), ...Array(199).fill(0x61), 0x2e]);
  assert.throws(() => readPickle(deep), /deeper than 100/);
});

test("a stack that is too short, a missing mark and a missing memo are refused", () => {
  const bad = [[0x61], [0x74], [0x68, 9], [0x30], [0x4e, 0x4e], [0x85], [0x28, 0x4e, 0x64], [0xff]];
  bad.push([0x8b, 0xff, 0xff, 0xff, 0x7f], [0x8d, ...Array(8).fill(0xff)], [0x80, 6]);
  for (const codes of bad) {
    assert.throws(() => readPickle(Uint8Array.from([...codes, 0x2e])), ClusterError);
  }
});
