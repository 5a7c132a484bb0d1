/** What a tab reads of the files of its task. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Plan } from "../../../wire/block/plan.ts";
import { piecesOf } from "./pieces.ts";

test("an empty file is a piece without bytes, for which nothing is asked", async () => {
  const at = { kind: "blob", hash: "0".repeat(64) } as const;
  const files = [0, 3].map((sizeBytes, n) => ({
    name: `${n}`,
    compression: "none",
    sizeBytes,
    at,
  }));
  const pieces = [
    [0, 0, 0],
    [1, 0, 3],
  ];
  const plan = { files, splits: [{ input: "default", pieces }], inputs: { default: null } };
  const asked: number[] = [];
  const read = async (file: number, start: number, end: number) => {
    asked.push(file);
    return new Uint8Array(end - start);
  };
  const found = await piecesOf(plan as unknown as Plan, 0, read);
  assert.deepEqual(
    found.map(({ bytes, file }) => [file, bytes.length]),
    [
      [0, 0],
      [1, 3],
    ],
  );
  assert.deepEqual(asked, [1]);
});
