/** Files of the coordinator's disk that change while they are passed on. */
import assert from "node:assert/strict";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import type { InputFile } from "../../../wire/block/plan.ts";
import { readInput } from "./input-file.ts";

const host = "here";
/** Several reads. */
const sizeBytes = 600_000;

test("F1: a reader of a file that changes meanwhile never gets all of its bytes", async (t) => {
  const dir = temporaryDir(t, "tequio-input-");
  const path = join(dir, "input.txt");
  writeFileSync(path, Buffer.alloc(sizeBytes, "a line\n"));
  const at = { kind: "path", host, path, mtimeMs: statSync(path).mtimeMs } as const;
  const file: InputFile = { name: "input.txt", compression: "none", sizeBytes, at };
  const read = async (span: { start: number; end: number } | null, changed: boolean) => {
    let readBytes = 0;
    const holders = { host } as Parameters<typeof readInput>[0];
    try {
      for await (const bytes of readInput(holders, { owner: "ann", file }, span)) {
        readBytes += bytes.length;
        if (changed) utimesSync(path, 1, 1);
      }
    } catch (error) {
      assert.equal((error as { code?: string }).code, "data-lost");
      return { readBytes, isLost: true };
    }
    return { readBytes, isLost: false };
  };
  assert.deepEqual(await read(null, false), { readBytes: sizeBytes, isLost: false });
  assert.deepEqual(await read({ start: 7, end: 14 }, false), { readBytes: 7, isLost: false });
  assert.deepEqual(await read({ start: 7, end: 7 }, false), { readBytes: 0, isLost: false });
  const { readBytes, isLost } = await read(null, true);
  assert.ok(isLost && readBytes > 0 && readBytes < sizeBytes, `${readBytes}, ${isLost}`);
});
