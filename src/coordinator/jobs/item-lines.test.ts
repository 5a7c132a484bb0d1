/** Items by their numbers: the right ones, and the cost of a batch depends only on its size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import { defaultItemLinesLimits, ItemLines, type ItemList } from "./item-lines.ts";

/** A store with one list in it, which counts the bytes that are read. */
async function listed(items: readonly string[], end = "\n") {
  const blobs = openMemoryBlobs();
  const { hash } = await blobs.put([Buffer.from(items.join("\n") + end)]);
  const counted = { bytes: 0 };
  const read: typeof blobs.read = async function* (name, range) {
    for await (const chunk of blobs.read(name, range)) {
      // Pieces of odd sizes, so that lines are cut anywhere.
      for (let at = 0; at < chunk.length; at += 1_001) {
        const piece = chunk.subarray(at, at + 1_001);
        counted.bytes += piece.length;
        yield piece;
      }
    }
  };
  const list: ItemList = { job: "j-1", hash, count: items.length };
  return { counted, list, store: { read } };
}

const texts = (lines: readonly Buffer[]) => lines.map(String);

test("lines are found by number, near each other, far apart, and at the ends", async () => {
  const items = Array.from({ length: 1_000 }, (_, n) => JSON.stringify("x".repeat(n % 97) + n));
  for (const end of ["\n", ""]) {
    for (const marksMax of [1, 7, 100, 1_000, 5_000]) {
      const { list, store } = await listed(items, end);
      const lines = new ItemLines(store, { ...defaultItemLinesLimits, marksMax });
      for (const wanted of [[0], [999], [0, 999], [5, 6, 7, 300, 301, 998, 999], [500, 510]]) {
        const expected = wanted.map((n) => `${items[n]}\n`);
        assert.deepEqual(texts(await lines.read(list, wanted)), expected);
      }
      const all = Array.from(items.keys());
      assert.deepEqual(
        texts(await lines.read(list, all)),
        items.map((item) => `${item}\n`),
      );
    }
  }
});

test("a batch at the end of a million items costs no more than one at the start", async () => {
  const count = 1_000_000;
  const { counted, list, store } = await listed(Array.from({ length: count }, (_, n) => `${n}`));
  const lines = new ItemLines(store);
  await lines.read(list, [0]);
  const costs: number[] = [];
  for (let first = 0; first < count; first += 100_000) {
    counted.bytes = 0;
    const wanted = Array.from({ length: 50 }, (_, n) => first + n);
    const found = texts(await lines.read(list, wanted));
    assert.deepEqual(
      found,
      wanted.map((n) => `${n}\n`),
    );
    costs.push(counted.bytes);
  }
  assert.ok(Math.max(...costs) < 2_000, `${costs} bytes were read`);
});

test("offsets of a list are evicted with its job, and when there are too many", async () => {
  const { counted, list, store } = await listed(["1", "2", "3"]);
  const lines = new ItemLines(store, { marksMax: 10, listsMax: 1 });
  const cost = async (job: ItemList["job"]) => {
    counted.bytes = 0;
    await lines.read({ ...list, job }, [2]);
    return counted.bytes;
  };
  assert.deepEqual([await cost("j-1"), await cost("j-1")], [8, 2]);
  lines.jobEnded("j-1");
  assert.deepEqual([await cost("j-1"), await cost("j-2"), await cost("j-1")], [8, 8, 8]);
});
