/** Shared inputs that a worker cannot fetch itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import { SharedInputs } from "../../peer/input/shared-input.ts";
import type { InputFile } from "../../wire/block/plan.ts";
import type { CoordinatorBlobs } from "../shuffle/blobs.ts";
import { openFile } from "../shuffle/open-file.ts";

const content = Buffer.from("what the coordinator passes on");
const file: InputFile = {
  name: "books/a.txt",
  compression: "none",
  sizeBytes: content.length,
  at: { kind: "shared", root: "ab".repeat(32), host: "" },
};

/** Bytes [5, 9) of the file when its members answer with this. */
async function read(code: "unavailable" | "forbidden" | "data-lost"): Promise<string> {
  const find = async () => {
    throw new ClusterError(code, "as the test says");
  };
  const shared = new SharedInputs({ find, refuse: () => null, host: "", idleMs: 1_000 });
  const blobs = {
    async *input(_job: string, _file: number, { end, start }: { start: number; end: number }) {
      yield content.subarray(start, end);
    },
  } as unknown as CoordinatorBlobs;
  const { signal } = new AbortController();
  const opened = await openFile({ job: "j-1", blobs, shared, signal }, file, 0);
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.read(5, 9)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks).toString();
}

test("F3: members that cannot be reached: the coordinator passes their file on", async () => {
  assert.equal(await read("unavailable"), "the ");
  assert.equal(await read("forbidden"), "the ");
});

test("F10: a changed file is not requested from another holder", async () => {
  await assert.rejects(read("data-lost"), { code: "data-lost" });
});
