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

test("of large parts the next one begins early, and ends when it is not wanted", async () => {
  const told: string[] = [];
  const part = (name: number): ResultPart => ({
    sizeBytes: 5 << 20,
    async *read() {
      told.push(`${name} begins`);
      try {
        yield Uint8Array.of(name);
        yield Uint8Array.of(name, name);
      } finally {
        told.push(`${name} ends`);
      }
    },
  });
  const given: number[] = [];
  for await (const chunks of partsInOrder([0, 1, 2, 3].map(part), true)) {
    for await (const chunk of chunks) given.push(...chunk);
    if (given.at(-1) === 1) break;
  }
  assert.deepEqual(given, [0, 0, 0, 1, 1, 1]);
  assert.deepEqual(told.slice(0, 5), ["0 begins", "1 begins", "0 ends", "2 begins", "1 ends"]);
  assert.deepEqual(told.slice(5), ["2 ends"]);
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
