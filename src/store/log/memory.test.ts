/** The log in memory against the conformance tests of all logs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { logConformance } from "../../../test/conformance/register.ts";
import { bytesOf, refusal } from "../../conformance/bytes.ts";
import { collect } from "../../conformance/log.ts";
import { emptyLog, openMemoryLog } from "./memory.ts";

logConformance("memory", async () => {
  const contents = emptyLog();
  return { log: openMemoryLog(contents), reopen: async () => openMemoryLog(contents) };
});

test("C8: opening the same contents again fences the earlier handle", async () => {
  const contents = emptyLog();
  const old = openMemoryLog(contents);
  await old.append([bytesOf("a")], 0);
  const now = openMemoryLog(contents);
  await assert.rejects(old.append([bytesOf("b")], 1), refusal("fenced"));
  await assert.rejects(old.saveSnapshot(1, bytesOf("b")), refusal("fenced"));
  assert.equal(await now.append([bytesOf("c")], 1), 2);
  assert.equal((await collect(now, 0)).length, 2);
});
