/** Log lines as JSON. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { logAsJson } from "./log-json.ts";

test("each line of the log is an object, whatever is in it", (t) => {
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (text: string) => lines.push(text) > 0);
  const before = console.error;
  logAsJson("up");
  console.error("worker 1 ended\n again", 7);
  console.error = before;
  const { command, pid, text, time } = JSON.parse(lines[0]!);
  assert.deepEqual([command, pid, text], ["up", process.pid, "worker 1 ended\n again 7"]);
  assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
  assert.equal(lines[0]!.split("\n").length, 2, "one line");
});
