/** What nothing catches in a task process fails the task that it is of, and no other. */
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  batch,
  itemsFile,
  jobCode,
  map,
  planOver,
  TaskProcess,
  tasksCode,
} from "../testing/task-process.ts";

const later = "new Promise((resolve) => setTimeout(resolve, 20))";
for (const [name, body, message] of [
  ["rejects at once", "Promise.reject(new Error('lost'));", /nothing awaits .*: Error: lost/],
  [
    "rejects a few microtasks later",
    "(async () => { await 1; await 2; throw new Error('lost'); })();",
    /nothing awaits was rejected: Error: lost/,
  ],
  [
    "throws in a timer while it runs",
    "setTimeout(() => { throw new Error('lost'); }, 1); return new Promise(() => {});",
    /thrown where nothing catches it \(a timer or a callback\): Error: lost/,
  ],
  [
    "rejects and never ends",
    "Promise.reject(new Error('lost')); return new Promise(() => {});",
    /nothing awaits was rejected: Error: lost/,
  ],
  [
    "throws what cannot be looked at",
    "Promise.reject(new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } }));",
    /nothing awaits was rejected: something that cannot be shown/,
  ],
] as const) {
  test(`an item that ${name} fails, and no other item of the list`, async () => {
    const task = new TaskProcess();
    const run = `(item) => { if (item === 2) { ${body} } return item === 3 ? ${later} : item; }`;
    await task.load(tasksCode(run), {}, itemsFile([0, 1, 2, 3, 4]));
    task.order({ kind: "tasks", items: batch(5) });
    await task.report(5);
    const failed = task.reports().flatMap((report) => (report.kind === "failed" ? [report] : []));
    assert.deepEqual(
      failed.map((report) => report.task),
      [2],
    );
    assert.match(failed[0]!.failure.message, message);
    assert.match(failed[0]!.failure.message, / on item 2/);
    await task.end();
  });
}

test("what an item throws after its end is logged for it, and changes nothing", async () => {
  const task = new TaskProcess();
  // The first item's promise is settled by the second.
  const run = `(item) => {
    if (item === 1) { globalThis.gate.resolve(); return ${later}; }
    globalThis.gate = Promise.withResolvers();
    globalThis.gate.promise.then(() => { throw new Error("late"); });
    return item;
  }`;
  await task.load(tasksCode(run), {}, itemsFile([0, 1]));
  const [first, second] = batch(2);
  task.order({ kind: "tasks", items: [first!] });
  await task.report(1);
  task.order({ kind: "tasks", items: [second!] });
  await task.report(2);
  assert.deepEqual(
    task.reports().map(({ kind }) => kind),
    ["done", "done"],
  );
  const logs = task.messages.flatMap((message) => (message.kind === "log" ? [message] : []));
  assert.deepEqual(
    logs.map((log) => [log.task, log.lines.length]),
    [[0, 1]],
  );
  assert.match(logs[0]!.lines[0]!, /^after the task had ended, a promise .*: Error: late/);
  await task.end();
});

test("timers and promises of an earlier job do nothing to the next in its process", async () => {
  const task = new TaskProcess();
  const run = `(item) => {
    globalThis.runs = (globalThis.runs ?? 0) + 1;
    if (globalThis.runs === 1) {
      setInterval(() => {
        globalThis.ticks = (globalThis.ticks ?? 0) + 1;
        throw new Error("old");
      }, 1);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { throw new Error("old"); };
      globalThis.send = () => port2.postMessage(1);
      return "first";
    }
    globalThis.ticks = 0;
    globalThis.send();
    return new Promise((resolve) => setTimeout(() => resolve(globalThis.ticks), 30));
  }`;
  const code = tasksCode(run);
  await task.load(code, {}, itemsFile([0]));
  task.order({ kind: "tasks", items: batch(1) });
  await task.report(1);
  const before = task.messages.length;
  await task.load(code, {}, itemsFile([0]));
  await task.until((messages) => messages.slice(before).some(({ kind }) => kind === "loaded"));
  task.order({ kind: "tasks", items: batch(1) });
  const report = await task.report(2);
  assert.equal(report.kind === "done" && report.value, "0", JSON.stringify(report));
  const after = task.messages.slice(before);
  const loadedAt = after.findIndex(({ kind }) => kind === "loaded");
  assert.deepEqual(
    after.slice(loadedAt).filter(({ kind }) => kind === "log"),
    [],
  );
  await task.end();
});

test("a map task that leaves a rejected promise behind has failed", async () => {
  const task = new TaskProcess();
  const plan = planOver("one\ntwo\n", 1);
  await task.load(
    jobCode(`{ map(line, emit) {
    if (line === "two") Promise.reject(new Error("lost"));
    setTimeout(() => { throw new Error("no one waits for this"); }, 0);
    emit(line, 1);
  } }`),
    plan,
  );
  await map(task, plan, 1);
  const report = await task.report();
  assert.ok(report.kind === "failed");
  assert.match(report.failure.message, /nothing awaits was rejected: Error: lost/);
  await map(task, plan, 0);
  assert.equal((await task.report(2)).kind, "done");
  await task.end();
});
