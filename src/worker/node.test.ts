/** A real worker with real task processes against a scripted manager. Fault ids are those of the
 *  fault list. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { AttemptReport } from "../core/event.ts";
import { packTaskId } from "../wire/manager/taskid.ts";
import { ScriptedManager, unpacked } from "./testing/scripted-manager.ts";
import { ref, refs, started, tasksJob } from "./testing/started.ts";

function failure(report: AttemptReport | undefined) {
  if (report?.kind !== "failed") throw new Error(`not failed: ${JSON.stringify(report)}`);
  return report.failure;
}

function value(report: AttemptReport | undefined): unknown {
  if (report?.kind !== "done") throw new Error(`not done: ${JSON.stringify(report)}`);
  return JSON.parse(report.output.value ?? "null");
}

test("it joins with its token, says what it is, and answers what peers may ask", async (t) => {
  const manager = await ScriptedManager.start(t);
  const worker = await started(t, manager, { slots: 3, name: "ann's laptop" });
  const { end, node } = await manager.joined();
  assert.deepEqual(manager.tokens, ["join-token"]);
  assert.equal(node.name, "ann's laptop");
  assert.equal(node.slots, 3);
  assert.match(node.exchangeUrl, /^grpc:\/\/127\.0\.0\.1:\d+$/);
  const type = await end.ask({ kind: "nodeTypeRequest", nodeType: "manager" });
  assert.deepEqual(type, { kind: "nodeTypeAnswer", nodeType: "worker" });
  assert.equal((await end.ask({ kind: "managerPing" })).kind, "managerPong");
  assert.equal(await end.stateOf(ref(0)), "unknown");
  assert.equal(worker.id(), "w-1");
});

test("T2.4: of unknown, foreign, repeated ids it says so, each in its place", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  const unknown = packTaskId(randomBytes(8), ref(0));
  const taskIds = [unknown, Uint8Array.of(7), ...new Array<Uint8Array>(1_000).fill(unknown)];
  const pong = await end.ask({ kind: "tasksPing", taskIds });
  assert.equal(pong.kind, "tasksPong");
  const statuses = pong.kind === "tasksPong" ? pong.statuses : [];
  assert.deepEqual(
    statuses.map(({ taskId }) => Buffer.from(taskId).toString("hex")),
    taskIds.map((id) => Buffer.from(id).toString("hex")),
  );
  const kinds = new Set(statuses.filter((_, at) => at !== 1).map(({ data }) => data.kind));
  assert.deepEqual([...kinds], ["unknown"]);
});

test("tasks are run and every result is reported once", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager, { slots: 2 });
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "return item * 2;"));
  await end.assign(refs(1_000));
  const reports = await end.reports(1_000);
  assert.equal(reports.length, 1_000);
  const results = reports.sort((a, b) => a.task - b.task).map(value);
  assert.deepEqual(
    results,
    refs(1_000).map(({ task }) => task * 2),
  );
});

test("C18: a result that JSON has no word for is the job's own error", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  const code = `const cyclic = {}; cyclic.self = cyclic;
    if (item === 0) return cyclic;
    if (item === 1) return 1n;
    if (item === 2) return () => 1;
    if (item === 3) { let deep = []; for (let n = 0; n < 200_000; n++) deep = [deep]; return deep; }
    if (item === 4) return Promise.reject(new Error("no"));
    if (item === 5) throw null;
    return 2 ** 53;`;
  await end.open(tasksJob(manager, code));
  await end.assign(refs(7));
  const reports = (await end.reports(7)).toSorted((a, b) => a.task - b.task);
  const codes = reports.slice(0, 6).map((report) => failure(report).code);
  assert.deepEqual(codes, new Array(6).fill("user-error"));
  assert.equal(value(reports[6]), 2 ** 53);
});

test("W8: a task that never ends is killed at its limit, the next one runs", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "while (item === 0); return item;"));
  await end.assign(refs(2), 250);
  const [late, next] = await end.reports(2);
  assert.equal(failure(late).code, "timed-out");
  assert.match(failure(late).message, /after 250 ms/);
  assert.equal(value(next), 1);
});

test("an abort really stops a running task, and what it held is free", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "while (item === 0); return item;"));
  await end.assign(refs(3));
  const { status } = await end.told("taskStatus");
  assert.equal(status.data.kind, "started");
  assert.equal(await end.stateOf(ref(0)), "started");
  assert.equal(await end.stateOf(ref(2)), "pending");
  assert.equal((await end.abort([ref(0), ref(2)])).kind, "ack");
  const reports = await end.reports(3);
  const kinds = reports.map(({ task, kind }) => `${task} ${kind}`).sort();
  assert.deepEqual(kinds, ["0 returned", "1 done", "2 returned"]);
});

test("W9: a crash in a batch is blamed on the task that crashes alone", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  await end.open(
    tasksJob(manager, "if (item === 20) (await import('node:process')).abort(); return item;"),
  );
  await end.assign(refs(40));
  const reports = await end.reports(40);
  const failed = reports.filter((report) => report.kind !== "done");
  assert.deepEqual(
    failed.map(({ task }) => task),
    [20],
  );
  assert.equal(failure(failed[0]).code, "task-crashed");
});

test("code that cannot be loaded is the job's error, reported for each attempt", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  const job = tasksJob(manager, "return item;");
  await end.open({ ...job, codeHash: manager.put("export default {{;") });
  await end.assign(refs(2));
  const reports = await end.reports(2);
  assert.deepEqual(
    reports.map((report) => failure(report).code),
    ["user-error", "user-error"],
  );
});

test("W3: a result that was not acknowledged is sent again over the next link", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const first = await manager.joined();
  await first.end.open(tasksJob(manager, "return item;"));
  manager.override = ({ kind }) => (kind === "taskStatuses" ? null : undefined);
  await first.end.assign([ref(0)]);
  await first.end.reports();
  manager.override = null;
  first.end.link.close("cut");
  const second = await manager.joined();
  assert.equal(manager.tokens.at(-1), "credential-of-w-1");
  assert.equal(second.node.workerId, "w-1");
  assert.equal(second.node.session, first.node.session);
  assert.deepEqual(unpacked(second.node.holding), [ref(0)]);
  assert.equal(value((await second.end.reports())[0]), 0);
});

test("T2.3: NotMine in answer to a report makes it join again, with the report", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const first = await manager.joined();
  await first.end.open(tasksJob(manager, "return item;"));
  manager.override = ({ kind }) => (kind === "taskStatuses" ? { kind: "notMine" } : undefined);
  await first.end.assign([ref(0)]);
  const second = await manager.joined();
  manager.override = null;
  assert.deepEqual(unpacked(second.node.holding), [ref(0)]);
});

test("W4: without answers within the lease everything is stopped", async (t) => {
  const manager = await ScriptedManager.start(t, { leaseMs: 400, heartbeatMs: 50 });
  await started(t, manager);
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "for (;;);"));
  await end.assign([ref(0)]);
  await end.told("taskStatus");
  manager.override = ({ kind }) => (kind === "managerPing" ? null : undefined);
  assert.match(await end.closed, /lease/);
  const { node } = await manager.joined();
  assert.deepEqual(node.holding, []);
});

test("T2.1: a worker that is no longer known comes again as a new one", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "for (;;);"));
  await end.assign([ref(0)]);
  await end.told("taskStatus");
  const { welcome } = manager;
  const refusal = "not-found: there is no worker w-1 here any more";
  manager.override = ({ kind }) => {
    if (kind !== "managerRequest" || welcome === null) return undefined;
    manager.override = null;
    return { kind: "managerAnswer", accepted: false, welcome: { ...welcome, refusal } };
  };
  end.link.close("cut");
  const refused = await manager.joined();
  assert.equal(refused.node.workerId, "w-1");
  const { node } = await manager.joined();
  assert.equal(node.workerId, "");
  assert.deepEqual(node.holding, []);
  assert.equal(manager.tokens.at(-1), "join-token");
});

test("W13: at shutdown the queue is handed back and what runs may finish", async (t) => {
  const manager = await ScriptedManager.start(t);
  const worker = await started(t, manager);
  const { end } = await manager.joined();
  await end.open(tasksJob(manager, "await new Promise((r) => setTimeout(r, 300)); return item;"));
  await end.assign(refs(3));
  await end.told("taskStatus");
  const stopped = worker.stop(5_000);
  const reports = await end.reports(3);
  const kinds = reports.map(({ task, kind }) => `${task} ${kind}`).sort();
  assert.deepEqual(kinds, ["0 done", "1 returned", "2 returned"]);
  await end.told("managerBye");
  await stopped;
  assert.equal(await worker.ended, null);
  assert.deepEqual(readdirSync(join(worker.dataDir, "shuffle")), []);
});

test("a wrong token ends the worker with the reason", async (t) => {
  const manager = await ScriptedManager.start(t);
  const worker = await started(t, manager, { token: "wrong" });
  assert.equal((await worker.ended)?.code, "unauthenticated");
});

test("what job code logs arrives with its task", async (t) => {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end } = await manager.joined();
  const log = `globalThis[Symbol.for("tequio.runtime")].log("item " + item); return 1;`;
  await end.open(tasksJob(manager, log));
  await end.assign([ref(5)]);
  let logs: readonly unknown[] = [];
  // Notes of something else may come first.
  while (logs.length === 0) {
    const { notes } = await end.told("workerNotes");
    logs = JSON.parse(new TextDecoder().decode(notes)).logs;
  }
  assert.deepEqual(logs, [{ ...ref(5), line: "item 5" }]);
});

test("a strict sandbox that the host cannot give is refused, never weakened", async (t) => {
  const manager = await ScriptedManager.start(t);
  const path = process.env.PATH;
  process.env.PATH = "/nowhere";
  t.after(() => {
    process.env.PATH = path;
  });
  await assert.rejects(started(t, manager, { sandbox: "strict" }), /strict sandbox cannot be had/);
});
