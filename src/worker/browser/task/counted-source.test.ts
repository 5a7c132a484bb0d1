/** What a tab says that it has read, in bytes of the files as they are stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Plan } from "../../../wire/block/plan.ts";
import { countedSource } from "./counted-source.ts";

const file = (name: string, compression: "none" | "gzip", sizeBytes: number) => ({
  ...{ name, compression, sizeBytes },
  at: { kind: "blob", hash: "0".repeat(64) } as const,
});

test("a compressed file counts as large as it is stored, also an empty one", () => {
  const files = [file("a", "none", 10), file("b.gz", "gzip", 30), file("c.gz", "gzip", 20)];
  const plan = { files } as unknown as Plan;
  const piece = (index: number, sizeBytes: number) => {
    return { file: index, offset: 0, head: null, bytes: new Uint8Array(sizeBytes) };
  };
  const seen: number[] = [];
  const order = { plan, pieces: [piece(0, 10), piece(1, 101), piece(2, 0)] };
  const source = countedSource(order, (inputBytes) => seen.push(inputBytes));
  const into = new Uint8Array(50);
  while (source.nextPiece() !== null) while (source.read(into, 0) > 0);
  assert.equal(source.inputBytes(), 60);
  assert.deepEqual([...new Set(seen)], [10, 25, 40, 60]);
});
