/** The task process as the supervisor sees it: a real process, a real pipe, real user code. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeManifest } from "../../wire/block/manifest.ts";
import {
  batch,
  itemsFile,
  jobCode,
  map,
  planOver,
  TaskProcess,
  tasksCode,
} from "../testing/task-process.ts";
import { taskExits } from "./exits.ts";
import type { TaskReport } from "./messages.ts";

const wordCount = jobCode(`{
  map(line, emit) {
    count("lines");
    for (const word of line.split(/\\W+/)) if (word !== "") emit(word, 1);
  },
  combine: (a, b) => a + b,
}`);

test("maps two splits and reduces a partition, in one process", async () => {
  const task = new TaskProcess();
  const plan = planOver("the cat\nthe dog and the cat\nthe end\n", 1);
  await task.load(wordCount, plan);
  const outputs = [await map(task, plan, 0), await map(task, plan, 1)];
  const second = await task.report(2);
  assert.ok(second.kind === "done");
  const manifest = readFileSync(`${outputs[1]}.manifest`);
  assert.equal(second.root, createHash("sha256").update(manifest).digest("hex"));
  const lines = task.reports().map((r) => (r.kind === "done" ? r.counters.lines : 0));
  assert.deepEqual(lines, [2, 1]);
  const segments = outputs.map((out) => {
    const { sizeBytes } = decodeManifest(readFileSync(`${out}.manifest`));
    return { path: `${out}.run`, offset: 0, sizeBytes };
  });
  const out = join(task.scratch, "reduce");
  task.order({ kind: "reduce", task: 0, attempt: 1, out, segments });
  const reduced = await task.report(3);
  assert.ok(reduced.kind === "done");
  assert.equal(reduced.records, 5);
  assert.equal(
    readFileSync(`${out}.part`, "utf8"),
    ["and:1", "cat:2", "dog:1", "end:1", "the:4"]
      .map((pair) => pair.split(":"))
      .map(([key, value]) => `{"key":"${key}","value":${value}}\n`)
      .join(""),
  );
  await task.end();
});

test("a map that throws fails with file, offset and the job's own line", async () => {
  const task = new TaskProcess();
  const plan = planOver("good\nbad\nworse\nmore\n", 0);
  const code = jobCode(`{
  map(line, emit) {
    if (line === "bad") throw new RangeError("too bad");
    emit(line, 1);
  },
}`);
  await task.load(code, plan);
  await map(task, plan, 0);
  const failed = await task.report();
  assert.ok(failed.kind === "failed");
  assert.equal(failed.failure.code, "user-error");
  assert.match(
    failed.failure.message,
    /^map threw RangeError: too bad \(job.mjs:\d+\) on the record at poem.txt:5/,
  );
  assert.match(failed.failure.stack ?? "", /^at map \(job.mjs:5:\d+\)/);
  const out = await map(task, plan, 1);
  const done = await task.report(2);
  assert.equal(done.kind, "done");
  assert.equal(readFileSync(`${out}.part`, "utf8"), '{"key":"more","value":1}\n');
  await task.end();
});

test("bad records are kept aside with file and offset, and have emitted nothing", async () => {
  const task = new TaskProcess();
  const plan = planOver("good\nbad\nworse\nmore\n", 0);
  const code = jobCode(`{
  badRecords: "keep",
  map(line, emit) {
    emit(line, 1);
    if (line === "bad") emit(line, () => 1);
  },
}`);
  await task.load(code, plan);
  const out = await map(task, plan, 0);
  const done = await task.report();
  assert.ok(done.kind === "done");
  assert.equal(
    readFileSync(`${out}.part`, "utf8"),
    '{"key":"good","value":1}\n{"key":"worse","value":1}\n',
  );
  assert.equal(done.badRecordsPath, `${out}.bad`);
  const [kept, ...rest] = readFileSync(`${out}.bad`, "utf8").trimEnd().split("\n");
  assert.deepEqual(rest, []);
  const { file, offset, record, error } = JSON.parse(kept ?? "");
  assert.deepEqual({ file, offset, record }, { file: "poem.txt", offset: 5, record: "bad" });
  assert.match(error, /a function in map cannot be stored/);
  await task.end();
});

for (const badRecords of ["fail", "keep"]) {
  const code = (functions: string) =>
    jobCode(`{ badRecords: "${badRecords}", map(line, emit) { emit("key", 1); }, ${functions} }`);

  test(`what combine and partition throw is not map's (badRecords: ${badRecords})`, async () => {
    const plan = planOver("good\nbad\nworse\nmore\n", 2);
    for (const role of ["combine", "partition"]) {
      const task = new TaskProcess();
      await task.load(code(`${role}() { throw new RangeError("too much"); }`), plan);
      await map(task, plan, 0);
      const failed = await task.report();
      assert.ok(failed.kind === "failed");
      assert.equal(failed.failure.code, "user-error");
      assert.match(failed.failure.message, new RegExp(`^${role} threw RangeError: too much`));
      assert.match(failed.failure.stack ?? "", new RegExp(`^at (\\w+\\.)?${role} \\(job.mjs:`));
      await task.end();
    }
  });
}

test("an async map is refused and pointed to tasks", async () => {
  const task = new TaskProcess();
  const plan = planOver("a\n", 2);
  await task.load(jobCode("{ async map() { throw new Error('inner'); } }"), plan);
  await map(task, plan, 1);
  await map(task, plan, 0);
  const failed = (await task.report(2)) as TaskReport;
  const both = [task.reports()[0], failed];
  assert.ok(both.some((r) => r?.kind === "failed" && /use tasks\(/.test(r.failure.message)));
  await task.end();
});

test("items run in order, sync or async, and results that are no JSON fail", async () => {
  const task = new TaskProcess();
  const run = `async (item, { index, params }) => {
  if (item === "nan") return [1, NaN];
  if (item === "throw") throw new TypeError("no");
  if (item === "big") return "x".repeat(2 ** 20);
  if (item === "none") return undefined;
  return { item, index, ...params };
}`;
  const items = [{ é: 1 }, "nan", "throw", "big", "none"];
  await task.load(tasksCode(run), { params: { p: 2 } }, itemsFile(items));
  task.order({ kind: "tasks", items: batch(5) });
  await task.report(5);
  const results = task.reports().map((r) => {
    return r.kind === "done" ? r.value : `${r.failure.code}: ${r.failure.message}`;
  });
  assert.equal(results[0], '{"item":{"é":1},"index":0,"p":2}');
  assert.match(results[1] ?? "", /^user-error: NaN at \[1\] in the result of item 1/);
  assert.match(results[2] ?? "", /^user-error: run threw TypeError: no \(job.mjs:3\) on item 2/);
  assert.match(results[3] ?? "", /^limit-exceeded: the result of item 3 has 1048578 bytes/);
  assert.equal(results[4], "null");
  await task.end();
});

test("items that come with the load run after it, and not at all when it fails", async () => {
  const task = new TaskProcess();
  const more = { next: { kind: "tasks", items: batch(1) } };
  await task.load(tasksCode("(i) => i + 1"), {}, itemsFile([41]), more);
  assert.equal((await task.report()).kind, "done");
  await task.load(tasksCode("(i) => i"), { version: 2 }, itemsFile([41]), more);
  await task.until((messages) => messages.some(({ kind }) => kind === "load-failed"));
  await task.end();
  assert.equal(task.reports().length, 1, "not with the job of before either");
});

test("a finished item is reported while the next one still waits", async () => {
  const task = new TaskProcess();
  await task.load(tasksCode("(i) => (i === 0 ? i : new Promise(() => {}))"), {}, itemsFile([0, 1]));
  task.order({ kind: "tasks", items: batch(2) });
  const first = await task.report();
  assert.equal(first.task, 0);
  await task.end();
});

test("no-op items pass by the thousand", async () => {
  const task = new TaskProcess();
  const count = 20_000;
  await task.load(tasksCode("(i) => i"), {}, itemsFile(Array.from({ length: count }, (_, i) => i)));
  task.order({ kind: "tasks", items: batch(count) });
  await task.until(() => task.reports().length === count);
  assert.ok(task.reports().every((r, i) => r.kind === "done" && r.value === `${i}`));
  await task.end();
});

test("what job code logs comes with its attempt, in bounds", async () => {
  const task = new TaskProcess();
  const run = `() => {
  const { log } = globalThis[Symbol.for("tequio.runtime")];
  for (let i = 0; i < 1200; i++) log("line " + i);
  log("é".repeat(5000));
}`;
  await task.load(tasksCode(run), {}, itemsFile([1]));
  task.order({ kind: "tasks", items: batch(1) });
  await task.report();
  const lines = task.messages.flatMap((m) => (m.kind === "log" ? m.lines : []));
  assert.equal(lines.length, 1001);
  assert.equal(lines.at(-1), "(201 more lines were dropped)");
  await task.end();
});

test("code that exits ends its process, which says so", async () => {
  const task = new TaskProcess();
  const run = "async () => (await import('node:process')).exit(0)";
  await task.load(tasksCode(run), {}, itemsFile([1]));
  task.order({ kind: "tasks", items: batch(1) });
  const [code] = await task.exited;
  assert.equal(code, taskExits.exitCalled);
  const [report] = task.reports();
  assert.ok(report?.kind === "failed");
  assert.match(report.failure.message, /exit.0./);
});

test("code that cannot be loaded is a load failure that says why", async () => {
  for (const [code, message] of [
    ["export default {", /user-error: the job file cannot be loaded: SyntaxError/],
    ["throw new Error('at the top')", /Error: at the top/],
    ["export const job = 1", /bad-request: the job file's default export is no job/],
  ] as const) {
    const task = new TaskProcess();
    await task.load(code, {});
    const failed = task.messages.find((m) => m.kind === "load-failed");
    assert.match(`${failed?.failure.code}: ${failed?.failure.message}`, message);
    // The job's own lines by name alone, and no path that lost its slashes.
    const { stack = "at job.mjs:1:7" } = failed?.failure ?? {};
    assert.match(stack, /^at (?:\S+ \()?job\.mjs:1:/);
    await task.end();
  }
});
