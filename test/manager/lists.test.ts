/** Attempts and their results in columns: they mean what task ids and reports of each would. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { orderMessages } from "../../src/coordinator/edges/worker/orders.ts";
import { statusEvents } from "../../src/coordinator/edges/worker/reports.ts";
import { resultEvents } from "../../src/coordinator/edges/worker/results.ts";
import { emptyState } from "../../src/core/coordinator.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import type { AttemptRef } from "../../src/core/ids.ts";
import { defaultRules, newWorkerState, type WorkerEvent } from "../../src/core/worker.ts";
import type { Link } from "../../src/link/link.ts";
import { decodeFrames, encodeEnvelope } from "../../src/wire/manager/codec.ts";
import type { ManagerMessage, Welcome } from "../../src/wire/manager/messages.ts";
import { packTaskId } from "../../src/wire/manager/taskid.ts";
import { ManagerTalk } from "../../src/worker/manager/conversation.ts";
import { ModuleTasks } from "../../src/worker/manager/module-tasks.ts";
import { ResultLists } from "../../src/worker/manager/result-lists.ts";
import { reportStatus } from "../../src/worker/manager/status.ts";

const tag = Uint8Array.of(0, 1, 0xab, 4, 5, 6, 7, 255);

function ref(task: number, of: Partial<AttemptRef> = {}): AttemptRef {
  return { job: "j-7", stage: 0, task, attempt: 1, ...of };
}

function done({ task, attempt }: AttemptRef, value: string): AttemptReport {
  const output = { root: "", sizeBytes: Buffer.byteLength(value), records: 1, value };
  return { kind: "done", task, attempt, durationMs: 0.125, output };
}

function listed(ended: ReadonlyArray<readonly [AttemptRef, AttemptReport]>) {
  const lists = new ResultLists();
  for (const [of, report] of ended) assert.ok(lists.add(of, report));
  return lists.messages(tag).map((message) => {
    assert.ok(message.kind === "taskResults");
    return message.results;
  });
}

test("results in columns become the events that a report of each becomes", () => {
  const refs = [ref(3), ref(2 ** 32 - 1), ref(0, { stage: 1 }), ref(1, { stage: 1, attempt: 9 })];
  const values = ["1", '"é😀\\ud800"', '{"a":[]}', "null"];
  const ended = refs.map((of, at) => [of, done(of, values[at]!)] as const);
  const statuses = ended.map(([of, report]) => reportStatus(packTaskId(tag, of), report, true));
  const events = listed(ended).flatMap((bytes) => resultEvents("w-1", bytes, tag));
  assert.deepEqual(events, statusEvents("w-1", statuses, tag));
  assert.deepEqual(events, JSON.parse(JSON.stringify(events)));
  assert.deepEqual(resultEvents("w-1", listed(ended)[0]!, tag.toReversed()), [], "another cluster");
});

test("what says more than a result is reported by itself", () => {
  const lists = new ResultLists();
  const plain = done(ref(0), "1") as Extract<AttemptReport, { kind: "done" }>;
  const { output } = plain;
  const failure = { code: "user-error", message: "m" } as const;
  const others: AttemptReport[] = [
    { kind: "returned", task: 0, attempt: 1, durationMs: 0 },
    { kind: "failed", task: 0, attempt: 1, durationMs: 0, failure },
    { ...plain, counters: { a: 1 } },
    { ...plain, inputBytes: 1 },
    { ...plain, output: { ...output, records: 2 } },
    { ...plain, output: { ...output, root: "ab".repeat(32) } },
    { ...plain, output: { ...output, badRecords: "ab".repeat(32) } },
    { ...plain, output: { root: "", sizeBytes: 0, records: 1 } },
  ];
  for (const report of others) assert.ok(!lists.add(ref(0), report), JSON.stringify(report));
  assert.deepEqual(lists.messages(tag), []);
});

test("a malformed list is a violation, whatever is wrong in it", () => {
  const fine = {
    tag: Buffer.from(tag).toString("hex"),
    ...{ job: "j-7", stage: 0, tasks: [1], attempts: [1], durationsMs: [0], values: ["1"] },
  };
  const read = (claimed: unknown) =>
    resultEvents("w-1", Buffer.from(JSON.stringify(claimed)), tag).length;
  assert.equal(read(fine), 1);
  const wrong: object[] = [
    { job: "w-7" },
    { job: "j-" },
    { job: 7 },
    { stage: -1 },
    { stage: 2 ** 32 },
    { tasks: [] },
    { tasks: [0.5] },
    { tasks: ["1"] },
    { tasks: [1, 2] },
    { tasks: null },
    { attempts: [0] },
    { attempts: [2 ** 32] },
    { attempts: {} },
    { durationsMs: [-1] },
    { durationsMs: [null] },
    { values: [1] },
    { values: ["1\n2"] },
    { values: ["1\r"] },
    { values: [] },
  ];
  for (const part of wrong) {
    const violation = { code: "protocol-violated" };
    assert.throws(() => read({ ...fine, ...part }), violation, JSON.stringify(part));
  }
  for (const claimed of [null, 1, [], "x"]) {
    assert.throws(() => read(claimed), { code: "protocol-violated" });
  }
});

const noBytes = new Uint8Array(0);
const welcome: Welcome = {
  ...{ workerId: "w-1", credential: "", epoch: 1, leaseMs: 1_000, heartbeatMs: 500, refusal: "" },
  ...{ version: "", fill: noBytes, readsLists: true },
};

/** A worker's end of a link to a coordinator of ours. */
function talking(over: Partial<Welcome> = {}) {
  const sent: ManagerMessage[] = [];
  const events: Array<{ readonly kind: WorkerEvent["kind"] }> = [];
  let receive = (_frame: Uint8Array) => {};
  const link: Link = {
    remote: "test",
    send: (frame) => void sent.push(...decodeFrames(frame).map(({ message }) => message!)),
    close: (reason) => assert.fail(reason),
    onFrame: (take) => {
      receive = take;
    },
    onClose: () => {},
    pendingBytes: () => 0,
  };
  const talk = new ManagerTalk(link, {
    timers: { monotonicMs: () => 0, wallMs: () => 0, after: () => () => {} },
    specs: {
      ...{ name: "w", host: "h", slots: 1, memoryBytes: 0, kinds: [100], python: null },
      ...{ exchangeUrl: "", version: "", session: "s" },
    },
    identity: { workerId: "", credential: "", tag: null },
    modules: new ModuleTasks(),
    state: newWorkerState(defaultRules),
    events: {
      post: (event: { readonly kind: WorkerEvent["kind"] }) => void events.push(event),
      ...{ lost: assert.fail, broken: assert.fail, openJob: () => {}, setSources: () => {} },
      refused: ({ message }) => assert.fail(message),
    },
  });
  talk.join([], []);
  const say = (message: ManagerMessage, answerTo: number | null = null) =>
    receive(encodeEnvelope({ requestId: answerTo === null ? 9 : null, answerTo, message }));
  say({ kind: "nodeTypeRequest", nodeType: "manager" });
  const join = sent.findIndex(({ kind }) => kind === "managerRequest") + 1;
  say({ kind: "managerAnswer", accepted: true, welcome: { ...welcome, ...over } }, join);
  return { events, say, sent, talk };
}

test("a worker takes attempts in columns, and answers with the cluster's tag", () => {
  const { events, say, sent, talk } = talking();
  const attempts = [
    { task: 4, attempt: 1 },
    { task: 5, attempt: 2 },
  ];
  const order = { kind: "assign", worker: "w-1", job: "j-7", stage: 0, attempts } as const;
  const keys = { tag } as never;
  const [list] = orderMessages(emptyState(), order, { keys, nowMs: 0, inLists: true });
  assert.equal(list?.kind, "taskList");
  say(list!);
  const refs = [ref(4), ref(5, { attempt: 2 })];
  const assigned = events.find(({ kind }) => kind === "assigned");
  assert.deepEqual(assigned, { kind: "assigned", attempts: refs, timeoutMs: 0 });
  talk.report(
    1,
    refs.map((of) => ({ ref: of, report: done(of, "1") })),
  );
  const last = sent.at(-1);
  assert.ok(last?.kind === "taskResults");
  const [event] = resultEvents("w-1", last.results, tag);
  assert.deepEqual(
    event?.reports.map(({ task, attempt }) => [task, attempt]),
    [
      [4, 1],
      [5, 2],
    ],
  );
});

test("a coordinator that does not read columns is sent a status of each", () => {
  const { sent, talk } = talking({ readsLists: false });
  talk.report(1, [{ ref: ref(4), report: done(ref(4), "1") }]);
  assert.equal(sent.at(-1)?.kind, "taskStatuses");
});
