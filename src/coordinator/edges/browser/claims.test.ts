/** Reports of tabs before they become events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson } from "../../../wire/browser/json.ts";
import type { More } from "../../../wire/browser/messages.ts";
import { parseEarly, parseFinish } from "./claims.ts";

const output = { root: "", sizeBytes: 1, records: 1, value: "7" };
const done = { kind: "done", task: 3, attempt: 1, durationMs: 0.5, output };
const large = { ...done, task: 4, counters: { bytes: 2 ** 60, some: 1 } };
const failed = {
  ...{ kind: "failed", task: 5, attempt: 2, durationMs: 1 },
  failure: { code: "user-error", message: "no" },
};

test("reports of a tab are the same in its finish and before", () => {
  const all = [done, large, failed];
  const early = parseEarly(new TextEncoder().encode(JSON.stringify(all)));
  const finish = parseJson(JSON.stringify({ reports: all }), 64);
  const late = parseFinish(finish as More);
  assert.equal(JSON.stringify(early), JSON.stringify(late));
  assert.equal(JSON.stringify(early.map(({ task }) => task)), "[3,4,5]");
  // As the log keeps them: whole numbers that no double holds are rounded.
  assert.equal(JSON.parse(JSON.stringify(late[1])).counters.bytes, 2 ** 60);
});

test("one report that is not as it should be is refused", () => {
  for (const wrong of [null, 1, {}, { ...done, task: -1 }, { ...done, output: { root: "x" } }]) {
    const bytes = new TextEncoder().encode(JSON.stringify([done, wrong]));
    assert.throws(() => parseEarly(bytes), { code: "protocol-violated" }, JSON.stringify(wrong));
    const finish = parseJson(JSON.stringify({ reports: [done, wrong] }), 64);
    assert.throws(() => parseFinish(finish as More), { code: "protocol-violated" });
  }
});
