/** Lists of any length as one pickle. */
import assert from "node:assert/strict";
import test from "node:test";
import { PyTuple, type PyValue } from "../value.ts";
import { writePickledList } from "./list-writer.ts";
import { readPickle } from "./reader.ts";

async function written(items: readonly PyValue[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writePickledList(items)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("a list that is written item by item is read as the whole", async () => {
  for (const count of [0, 1, 2, 999, 1_000, 1_001, 2_500]) {
    const items = Array.from({ length: count }, (_, i) => new PyTuple([`key ${i}`, [BigInt(i)]]));
    assert.deepEqual(readPickle(await written(items)), items, `${count} items`);
  }
});
