/** Each message with many parts, at its sender's limits: its receiver accepts it. The same rows are
 *  in docs/message-sizes.md. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { reportsMaxBytes } from "../../src/coordinator/edges/browser/claims.ts";
import { catalogueLimits } from "../../src/core/catalogue.ts";
import { specLimits } from "../../src/core/cluster/spec.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import type { JobId } from "../../src/core/ids.ts";
import { utf8Bytes } from "../../src/core/sharing/names.ts";
import { ticketText } from "../../src/peer/shuffle/ticket.ts";
import { withinBody } from "../../src/sdk/client/submitting.ts";
import { jsonBodyMaxBytes, type Submit } from "../../src/wire/api/messages.ts";
import { encodeBrowser } from "../../src/wire/browser/codec.ts";
import { browserLimits } from "../../src/wire/browser/messages.ts";
import { listBytesMax, listLengthMax, stringBytesMax } from "../../src/wire/console/limits.ts";
import { encodeEnvelope } from "../../src/wire/manager/codec.ts";
import {
  frameBytesMax,
  holdingMax,
  jsonBytesMax,
  reportsBytesMax,
  servingBytesMax,
  tasksPerMessageMax,
} from "../../src/wire/manager/limits.ts";
import type { ManagerMessage } from "../../src/wire/manager/messages.ts";
import { packTaskId } from "../../src/wire/manager/taskid.ts";
import { buildTree, treeBodyMaxBytes } from "../../src/wire/p4/control-tree.ts";
import * as data from "../../src/wire/p4/data.ts";
import { finishReportsMaxBytes } from "../../src/worker/browser/tab/reporting/flow.ts";
import { fittingServing } from "../../src/worker/manager/fitting.ts";
import { ResultLists } from "../../src/worker/manager/result-lists.ts";

const { fromBrowserMaxBytes, messageMaxBytes } = browserLimits;
const job = "j-999999999999" as JobId;
const hash = "f".repeat(64);

function frameOf(message: ManagerMessage): number {
  return encodeEnvelope({ requestId: 2 ** 31, answerTo: 2 ** 31, message }).length;
}

/** A report as large as a task may make it: each letter of the value takes most bytes, and so does
 *  each of its counters' names. */
function largestReport(value = `"${"海".repeat(1024 * 1024 - 2)}"`): AttemptReport {
  const counters = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, i) => [String(i).padEnd(200, "\u0001"), Number.MAX_VALUE]),
  );
  const output = { root: hash, sizeBytes: 2 ** 53 - 1, records: 2 ** 53 - 1, value };
  const of = { task: 2 ** 32 - 1, attempt: 2 ** 32 - 1, durationMs: Math.PI * 1e6 };
  return { kind: "done", ...of, output, counters, inputBytes: 2 ** 53 - 1 };
}

test("manager protocol: reports, the tasks and outputs of a worker that joins, sources", () => {
  const taskId = packTaskId(randomBytes(8), { job, stage: 7, task: 2 ** 32 - 1, attempt: 9 });
  const bytes = Buffer.from(JSON.stringify(largestReport()));
  const status = { taskId, data: { kind: "completed", result: new Uint8Array(0) } } as const;
  assert.ok(bytes.length > reportsBytesMax, "alone in its message");
  const largest = { ...status, report: bytes };
  assert.ok(frameOf({ kind: "taskStatuses", statuses: [largest] }) <= frameBytesMax);
  const small = { ...status, report: new Uint8Array(0) };
  const many = Array.from({ length: Math.floor(reportsBytesMax / 64) }, () => small);
  assert.ok(frameOf({ kind: "taskStatuses", statuses: many }) <= frameBytesMax);
  const pong = Array.from({ length: tasksPerMessageMax }, () => small);
  assert.ok(frameOf({ kind: "tasksPong", statuses: pong }) <= frameBytesMax);

  const outputs = { job, stage: 7, tasks: Array.from({ length: 3_000_000 }, (_, task) => task) };
  const serving = Buffer.from(JSON.stringify(fittingServing([outputs], servingBytesMax)));
  assert.ok(serving.length <= servingBytesMax && serving.length > servingBytesMax - 100);
  const text = "x".repeat(64 * 1024);
  const node = {
    workerId: text,
    credential: text,
    name: text,
    host: text,
    slots: 1,
    exchangeUrl: text,
    version: text,
    holding: Array.from({ length: holdingMax }, () => taskId),
    serving,
    session: text,
    returnsTasks: true,
    fill: new Uint8Array(0),
    python: new Uint8Array(0),
    readsLists: false,
  };
  const fields = { workerPrice: 0, networkPrice: 0, cpuCount: 1, memoryKb: 1, networkKbps: 0 };
  const join = { kind: "managerRequest", ...fields, programKinds: [100], node } as const;
  assert.ok(frameOf(join) <= frameBytesMax);

  assert.ok(
    frameOf({ kind: "stageSources", sources: Buffer.alloc(jsonBytesMax) }) <= frameBytesMax,
  );
  // The largest job, on a thousand workers, fits one message, and need not be requested.
  const scope = { job, stage: 7, requester: "w-1000", expiresMs: 1e13 } as const;
  const sources = {
    job,
    stage: 7,
    urls: Array.from({ length: 1_000 }, () => `grpcs://${"h".repeat(60)}:65535#${hash}`),
    tickets: Array.from({ length: 1_000 }, () => ticketText("key", scope)),
    tasks: Array.from({ length: specLimits.shuffledTasksMax }, () => [999, 99, hash]),
  };
  assert.ok(JSON.stringify(sources).length <= jsonBytesMax);
});

test("manager protocol: results in columns", () => {
  const lists = new ResultLists();
  const ref = { job, stage: 7, task: 2 ** 32 - 1, attempt: 2 ** 32 - 1 };
  const largestResult = (value: string): AttemptReport => {
    const output = { root: "", sizeBytes: value.length, records: 1, value };
    return { kind: "done", ...ref, durationMs: Math.PI * 1e6, output };
  };
  for (const length of [0, 1, 100, 100_000, 300_000]) {
    // Each character becomes an escape of six.
    const value = "\u0001".repeat(length);
    const count = Math.ceil((2.5 * reportsBytesMax) / (64 + 6 * length));
    for (let i = 0; i < count; i++) assert.ok(lists.add(ref, largestResult(value)));
  }
  assert.ok(!lists.add(ref, largestResult("x".repeat(400_000))), "it is reported by itself");
  const messages = lists.messages(randomBytes(8));
  assert.ok(messages.length >= 12);
  for (const message of messages) {
    assert.ok(message.kind === "taskResults");
    assert.ok(message.results.length <= reportsBytesMax + 256, `${message.results.length}`);
    assert.ok(frameOf(message) <= frameBytesMax);
  }
});

test("browser protocol: finish, reports before it, and what a gateway adds", () => {
  const url = [`/t/${"x".repeat(1_000)}/out/0`];
  const finish = (uid: string | null, letters: number) => {
    const more = { reports: "x".repeat(letters) };
    return encodeBrowser({ action: "finish", uid, type: "r", tid: -(2 ** 31), url, more });
  };
  assert.ok(utf8Bytes(finish(null, finishReportsMaxBytes)) <= fromBrowserMaxBytes);
  const atLimit = fromBrowserMaxBytes - finish(null, 0).length;
  assert.equal(finish(null, atLimit).length, fromBrowserMaxBytes);
  assert.ok(finish(String(2n ** 64n - 1n), atLimit).length <= messageMaxBytes);
  // A result of a megabyte, each byte of which takes two in its report.
  const largest = largestReport(`"${'\\"'.repeat(512 * 1024 - 1)}"`);
  assert.ok(utf8Bytes(JSON.stringify([largest])) <= reportsMaxBytes);
});

test("P4: the list of a member's files, and what it has of one", () => {
  const name = (i: number) => `folder/${'"'.repeat(70)}${i}`;
  const file = { root: hash, sizeBytes: 2 ** 52, description: "" } as const;
  const files = Array.from({ length: catalogueLimits.filesPerMemberMax }, (_, i) => {
    return { ...file, name: name(i) };
  });
  const sizeBytes = Buffer.byteLength(JSON.stringify({ token: hash, files: buildTree(files) }));
  const leaves = files.map(({ description, name, root, sizeBytes: size }) => {
    return { name, root, size_bytes: size, description };
  });
  const listBytes = Buffer.byteLength(JSON.stringify({ token: hash, files: leaves }));
  assert.ok(Math.max(sizeBytes, listBytes) <= treeBodyMaxBytes, `${sizeBytes} ${listBytes}`);
  const runs = Array.from({ length: data.runsMax }, () => ({ first: 2 ** 31, count: 2 ** 31 }));
  const session = new Uint8Array(64);
  const request = data.encode(data.readRequest, { session, runs }, data.messageMaxBytes.request);
  assert.ok(request.length <= data.messageMaxBytes.request);
  const answer = {
    session,
    fileName: "海".repeat(1_365),
    root: new Uint8Array(32),
    sizeBytes: 2 ** 52,
    pieceBytes: 2 ** 20,
    layer: new Uint8Array(data.layerInlineMaxBytes),
    have: runs,
    expiresS: 2 ** 31,
    path: "海".repeat(1_365),
    modifiedUs: 2 ** 52,
    isExecutable: true,
  };
  const opened = data.encode(data.openAnswer, answer, data.messageMaxBytes.openAnswer);
  assert.ok(opened.length <= data.messageMaxBytes.openAnswer);
});

test("console protocol: lists of all members, and of all files of one", () => {
  const { filesPerMemberMax, membersMax } = catalogueLimits;
  const lineBytes = 2 * stringBytesMax + "65535\0".length;
  assert.ok(membersMax * lineBytes <= listBytesMax && membersMax <= listLengthMax);
  assert.ok(filesPerMemberMax * stringBytesMax <= listBytesMax);
});

test("HTTP API: a job of as many tasks as there may be, with a host for each", () => {
  const taskHost = Array.from({ length: specLimits.tasksMax }, () => 7);
  const stage = { kind: "map", taskCount: taskHost.length } as const;
  const spec = { name: "n", stages: [stage], locality: { hosts: ["h"], taskHost } };
  const submission = { key: "k", spec } as unknown as Submit;
  assert.ok(JSON.stringify(withinBody(submission)).length <= jsonBodyMaxBytes);
  const few = { key: "k", spec: { ...spec, locality: { hosts: ["h"], taskHost: [0, 0] } } };
  assert.equal(withinBody(few as unknown as Submit), few);
});
