/** The log of operations: bounded on the disk, no gaps, damaged lines left out. */
import assert from "node:assert/strict";
import { appendFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeDirectory } from "../../../store/directory.ts";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { type LoggedOperation, OperationsLog, readOperations } from "./operations-log.ts";

const one: LoggedOperation = {
  at: "2026-11-21T02:15:45.000Z",
  operation: "REGISTER",
  user: "ana",
  file: "",
  dateTime: "",
  host: "127.0.0.1",
  outcome: "ok",
};

test("the newest operations are kept, in two files of bounded size, over restarts", async (t) => {
  const dir = temporaryDir(t);
  makeDirectory(join(dir, "logs"));
  const limits = { fileMaxBytes: 1_000, waitingMaxBytes: 1_000 };
  for (let n = 0; n < 50; n += 1) {
    const log = new OperationsLog(dir, limits);
    await log.add({ ...one, user: `user-${n}` });
    await log.close();
  }
  const files = readdirSync(join(dir, "logs"));
  assert.deepEqual(files.toSorted(), ["operations.ndjson", "operations.ndjson.1"]);
  for (const file of files) assert.ok(statSync(join(dir, "logs", file)).size <= 1_000, file);
  const users = readOperations(dir).map(({ user }) => user);
  assert.ok(users.length > 7 && users.length < 20, `${users.length} are kept`);
  const newest = Array.from({ length: users.length }, (_, n) => `user-${50 - users.length + n}`);
  assert.deepEqual(users, newest);
});

test("lines waiting for the disk are bounded, and a line cut by a crash is left out", async (t) => {
  const dir = temporaryDir(t);
  makeDirectory(join(dir, "logs"));
  const log = new OperationsLog(dir, { fileMaxBytes: 100_000, waitingMaxBytes: 1_000 });
  for (let n = 0; n < 100; n += 1) void log.add({ ...one, user: `user-${n}` });
  await log.close();
  const kept = readOperations(dir);
  assert.ok(kept.length > 3 && kept.length < 12, `${kept.length} are kept`);
  appendFileSync(join(dir, "logs", "operations.ndjson"), '{"at":"2026');
  assert.deepEqual(readOperations(dir), kept);
  assert.deepEqual(readOperations(temporaryDir(t)), []);
});
