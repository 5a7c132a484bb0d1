/** What a task process logs arrives soon, and a flood of it in few messages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FromTask } from "./messages.ts";
import { Reporter } from "./reporter.ts";

type Log = Extract<FromTask, { kind: "log" }>;

/** Keeps the messages that it is sent; `next` resolves with the next one. */
function logged(): { reporter: Reporter; messages: Log[]; next: () => Promise<Log> } {
  const messages: Log[] = [];
  let came = (_: Log) => {};
  const reporter = new Reporter((message) => {
    if (message.kind !== "log") return true;
    messages.push(message);
    came(message);
    return true;
  });
  const next = () => new Promise<Log>((resolve) => (came = resolve));
  reporter.startAttempt({ task: 3, attempt: 1 }, performance.now());
  return { reporter, messages, next };
}

test("each of the first lines is sent at once, however soon after the start", () => {
  const { reporter, messages } = logged();
  reporter.log("begins");
  reporter.log("opened the file");
  assert.deepEqual(
    messages.map(({ lines, task }) => [task, ...lines]),
    [
      [3, "begins"],
      [3, "opened the file"],
    ],
  );
});

test("the last lines of a burst are sent although nothing is logged after them", async () => {
  const { reporter, messages, next } = logged();
  for (let line = 0; line < 200; line++) reporter.log(`line ${line}`);
  while (messages.flatMap(({ lines }) => lines).length < 200) await next();
  assert.equal(messages.at(-1)?.lines.at(-1), "line 199");
  // Unless a test stands still in the middle: then a period more.
  assert.ok(messages.length <= 100, `${messages.length} messages`);
});
