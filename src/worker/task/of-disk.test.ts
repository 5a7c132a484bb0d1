/** What a worker reports of errors of its disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "../../coordinator/edges/worker/claims.ts";
import { diskFailure } from "../kernels/run-file.ts";
import { failureOf } from "../process/failure.ts";
import { failureFrom } from "../run-reports.ts";
import { diskError } from "../shuffle/disk-error.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed, write`), { code });
}

const table = [
  ["EIO", "storage-failed", true],
  ["EROFS", "storage-failed", true],
  ["EMFILE", "storage-failed", undefined],
  ["ENOSPC", "storage-full", undefined],
] as const;

test("errors of the disk itself are reported as such, a full one and too many files not", () => {
  for (const [code, name, isDisk] of table) {
    const ofWorker = failureFrom(diskError(systemError(code), "keeping an output"));
    const ofTask = failureOf(diskFailure(systemError(code), "run-1"), "");
    assert.deepEqual([ofWorker.code, ofWorker.isDisk], [name, isDisk], `worker: ${code}`);
    assert.deepEqual([ofTask.code, ofTask.isDisk], [name, isDisk], `task process: ${code}`);
  }
});

test("the coordinator learns of it", () => {
  const failure = failureFrom(systemError("EIO"));
  const report = { kind: "failed", task: 0, attempt: 1, durationMs: 0, failure };
  assert.deepEqual(parseReport(Buffer.from(JSON.stringify(report))), report);
});
