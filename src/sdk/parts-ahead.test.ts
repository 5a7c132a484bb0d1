/** Small parts of a result are fetched together, and given in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResultPart } from "./job-result.ts";
import { partsInOrder } from "./parts-ahead.ts";

test("small parts are fetched ahead, eight at once, and a large one alone", async () => {
  const begun: number[] = [];
  const part = (name: number, sizeBytes: number): ResultPart => ({
    sizeBytes,
    async *read() {
      begun.push(name);
      yield Uint8Array.of(name);
    },
  });
  const sizes = [...Array<number>(10).fill(1_000), 5 << 20, 1_000, 0];
  const given: number[] = [];
  for await (const chunks of partsInOrder(
    sizes.map((size, n) => part(n, size)),
    true,
  )) {
    if (given.length === 0) assert.equal(begun.length, 8);
    for await (const [name] of chunks) given.push(name!);
    // What comes behind the large one waits for it.
    if (given.length === 10) assert.ok(!begun.includes(11));
  }
  assert.deepEqual(given, [...sizes.keys()]);
});

test("a part that cannot be fetched is an error in its turn", async () => {
  const bad: ResultPart = {
    sizeBytes: 1,
    // biome-ignore lint/correctness/useYield: it fails before.
    async *read() {
      throw new Error("gone");
    },
  };
  const good: ResultPart = {
    sizeBytes: 1,
    async *read() {
      yield Uint8Array.of(7);
    },
  };
  const all = partsInOrder([good, bad], false);
  assert.deepEqual((await all.next()).value, [Uint8Array.of(7)]);
  await assert.rejects(all.next(), /gone/);
});
