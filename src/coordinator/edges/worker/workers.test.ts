/** Messages of workers as events and orders as messages: pure, both ways. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CoordinatorState, emptyState, step } from "../../../core/coordinator.ts";
import type { Effect } from "../../../core/effect.ts";
import type { AttemptRef } from "../../../core/ids.ts";
import { mapReduceSpec, submission, testSpecs } from "../../../core/testing/fake-cluster.ts";
import { sourceKey, ticketText } from "../../../peer/shuffle/ticket.ts";
import type { TaskStatus } from "../../../wire/manager/messages.ts";
import { packTaskId, unpackTaskId } from "../../../wire/manager/taskid.ts";
import { claimedSpecs, parseNotes, parseReport, parseReports, parseServing } from "./claims.ts";
import { orderMessages, shuffleTicketMs, type WorkerOrder } from "./orders.ts";
import { statusEvents } from "./reports.ts";

const tag = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
const tickets = { sourceKey, ticketText };
const keys = { tag, tickets, exchangeSecret: (job: string) => `secret of ${job}` };
const speaker = { keys, nowMs: 5_000 };
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const empty = new Uint8Array(0);

function status(
  data: TaskStatus["data"],
  over: Partial<AttemptRef> & { report?: Uint8Array } = {},
): TaskStatus {
  const { report = empty, ...ref } = over;
  const full = { job: "j-1", stage: 0, task: 0, attempt: 1, ...ref } as AttemptRef;
  return { taskId: packTaskId(tag, full), data, report };
}

function reports(one: TaskStatus) {
  const [event] = statusEvents("w-1", [one], tag);
  return event?.kind === "attempts-reported" ? event.reports : [];
}

test("existing workers' results and errors become reports", () => {
  const result = (text: string) => ({ kind: "completed", result: Buffer.from(text) }) as const;
  const done = (text: string) => {
    const [report] = reports(status(result(text)));
    return report?.kind === "done" ? report.output.value : report?.kind;
  };
  assert.equal(done("7"), `"7"`);
  assert.equal(done(""), "null");
  assert.equal(done("plain\ntext"), `"plain\\ntext"`);
  const [binary] = reports(status({ kind: "completed", result: new Uint8Array([0xff]) }));
  assert.ok(binary?.kind === "done" && binary.output.value === `{"base64":"/w=="}`);
  const codes = (["timed-out", "download", "runtime", "unknown"] as const).map((error) => {
    const [report] = reports(status({ kind: "error", error }));
    return report?.kind === "failed" ? report.failure.code : report?.kind;
  });
  assert.deepEqual(codes, ["timed-out", "download-failed", "user-error", "task-crashed"]);
  const [missed] = reports(status({ kind: "error", error: "download" }));
  assert.ok(missed?.kind === "failed" && missed.failure.noModule === true);
  assert.match(missed.failure.message, /--ipfs-api/);
  assert.equal(reports(status({ kind: "error", error: "aborted" }))[0]?.kind, "returned");
  assert.equal(reports(status({ kind: "unknown" }))[0]?.kind, "returned");
  assert.deepEqual(reports(status({ kind: "pending" })), []);
});

test("statuses are grouped by job and stage, starts first, foreign ids left out", () => {
  const aborted = { kind: "error", error: "aborted" } as const;
  const foreign = packTaskId(new Uint8Array(8), { job: "j-1", stage: 0, task: 9, attempt: 1 });
  const events = statusEvents(
    "w-1",
    [
      status(aborted, { task: 1 }),
      status(aborted, { job: "j-2" }),
      status(aborted, { task: 2 }),
      status({ kind: "started", unixS: 5 }, { task: 3 }),
      { taskId: foreign, data: aborted, report: empty },
      { taskId: new Uint8Array(34), data: aborted, report: empty },
    ],
    tag,
  );
  assert.deepEqual(
    events.map((event) =>
      event.kind === "attempts-started"
        ? event.attempts.map(({ task }) => task)
        : [event.job, ...event.reports.map(({ task }) => task)],
    ),
    [[3], ["j-1", 1, 2], ["j-2", 0]],
  );
});

test("a report that a replay could not handle is refused at the edge", () => {
  const output = { root: "", sizeBytes: 1, records: 1, value: "1" };
  const good = { kind: "done", task: 0, attempt: 1, durationMs: 0.5, output };
  assert.equal(parseReport(bytes(good)).kind, "done");
  const bad: unknown[] = [
    null,
    [],
    { ...good, kind: "other" },
    { ...good, task: -1 },
    { ...good, task: 0.5 },
    { ...good, attempt: 0 },
    { ...good, durationMs: null },
    { ...good, output: { ...output, root: "../../etc" } },
    { ...good, output: { ...output, sizeBytes: "1" } },
    { ...good, output: { ...output, value: "1\n2" } },
    { ...good, output: { ...output, value: "x".repeat(1024 * 1024 + 1) } },
    { ...good, counters: { words: "many" } },
    { ...good, kind: "failed", failure: { code: "no-such-code", message: "" } },
  ];
  for (const one of bad) {
    const what = JSON.stringify(one).slice(0, 100);
    assert.throws(() => parseReport(bytes(one)), { code: "protocol-violated" }, what);
  }
  assert.throws(() => parseReport(new Uint8Array([0xff])), { code: "protocol-violated" });
  assert.throws(() => parseNotes(bytes({ logs: [{ job: "x" }] })), { code: "protocol-violated" });
  assert.throws(() => parseServing(bytes([{ job: "j-1", stage: 0, tasks: [-1] }])), {
    code: "protocol-violated",
  });
  assert.deepEqual(parseServing(empty), []);
});

test("specs are clamped, and an exchange address must be an address", () => {
  const request = (over: object) =>
    ({
      kind: "managerRequest",
      workerPrice: 0,
      networkPrice: 0,
      cpuCount: 2 ** 40,
      memoryKb: Number.MAX_SAFE_INTEGER,
      networkKbps: 0,
      programKinds: [0, 0, 100],
      node: null,
      ...over,
    }) as const;
  const node = {
    workerId: "",
    credential: "",
    name: "n".repeat(1_000),
    host: "h",
    slots: 0,
    exchangeUrl: `grpcs://10.0.0.1:9/${"ab".repeat(32)}`,
    version: "1",
    holding: [],
    serving: empty,
    session: "s",
    returnsTasks: true,
    fill: new Uint8Array(0),
    readsLists: false,
    python: new Uint8Array(0),
  };
  const old = claimedSpecs(request({}), "10.0.0.2:5");
  assert.deepEqual(
    [old.slots, old.memoryBytes, old.kinds, old.name],
    [1_024, Number.MAX_SAFE_INTEGER, [0, 100], "10.0.0.2:5"],
  );
  const ours = claimedSpecs(request({ node }), "10.0.0.2:5");
  assert.deepEqual([ours.slots, ours.name.length, ours.exchangeUrl], [1, 200, node.exchangeUrl]);
  const wrong = ["file:///etc/passwd", "grpc://user:secret@host:1", "grpcs://10.0.0.1:9", "no"];
  for (const exchangeUrl of wrong) {
    assert.throws(() => claimedSpecs(request({ node: { ...node, exchangeUrl } }), ""), {
      code: "bad-request",
    });
  }
});

/** The orders of a map/reduce job with three maps, up to the assignment of the reduce task. */
function ordersOfAJob(): { state: CoordinatorState; orders: WorkerOrder[] } {
  const state = emptyState();
  const all: Effect[][] = [];
  const tell = (event: object) => all.push(step(state, { atMs: 1, ...event } as never));
  const specs = testSpecs({ slots: 4 });
  tell({ kind: "worker-joined", worker: null, owner: "up", specs, holding: [] });
  tell(submission(mapReduceSpec(3, 1)));
  const output = { root: "ab".repeat(32), sizeBytes: 1, records: 1 };
  const done = { kind: "done", attempt: 1, durationMs: 1, output };
  const maps = [0, 1, 2].map((task) => ({ ...done, task }));
  tell({ kind: "attempts-reported", worker: "w-1", job: "j-1", stage: 0, reports: maps });
  const orders = all.flat().filter((effect): effect is WorkerOrder => "worker" in effect);
  return { state, orders };
}

test("orders become messages of the base protocol and its extensions, in their order", () => {
  const { orders, state } = ordersOfAJob();
  const messages = orders.flatMap((order) => orderMessages(state, order, speaker));
  assert.deepEqual(
    messages.map(({ kind }) => kind),
    ["jobOpen", "tasksExecute", "stageSources", "tasksExecute"],
  );
  const [open, maps, sources] = messages;
  const json = (part: Uint8Array) => JSON.parse(new TextDecoder().decode(part));
  assert.ok(open?.kind === "jobOpen" && sources?.kind === "stageSources");
  const key = sourceKey("secret of j-1", "w-1");
  assert.deepEqual([json(open.job).exchangeKey, json(open.job).nowMs], [key, 5_000]);
  const scope = { job: "j-1", stage: 0, requester: "w-1", expiresMs: 5_000 + shuffleTicketMs };
  assert.deepEqual(json(sources.sources), {
    job: "j-1",
    stage: 0,
    urls: ["grpc://127.0.0.1:1"],
    tickets: [ticketText(key, scope)],
    tasks: [0, 1, 2].map(() => [0, 1, "ab".repeat(32)]),
  });
  assert.ok(maps?.kind === "tasksExecute");
  assert.deepEqual(
    maps.tasks.map(({ taskId }) => unpackTaskId(taskId, tag)?.task),
    [0, 1, 2],
  );
});

test("a time limit is sent exactly, and in whole seconds for existing workers", () => {
  const state = emptyState();
  const spec = mapReduceSpec(1, 1);
  const stages = spec.stages.map((stage) => ({ ...stage, timeoutMs: 1_250 }));
  step(state, { ...submission({ ...spec, stages }), atMs: 1 } as never);
  const attempts = [{ task: 0, attempt: 1 }];
  const order = { kind: "assign", worker: "w-1", job: "j-1", stage: 0, attempts } as const;
  const [message] = orderMessages(state, order, speaker);
  assert.ok(message?.kind === "tasksExecute");
  assert.deepEqual([message.tasks[0]?.timeoutS, message.tasks[0]?.timeoutMs], [2, 1_250]);
});

test("a large assignment comes in messages of at most 256 tasks, none lost", () => {
  const state = emptyState();
  step(state, { ...submission(mapReduceSpec(1_000, 1)), atMs: 1 } as never);
  const attempts = Array.from({ length: 600 }, (_, task) => ({ task, attempt: 1 }));
  const order = { kind: "assign", worker: "w-1", job: "j-1", stage: 0, attempts } as const;
  const sizes = orderMessages(state, order, speaker).map((message) =>
    message.kind === "tasksExecute" ? message.tasks.length : 0,
  );
  assert.deepEqual(sizes, [256, 256, 88]);
});

test("reports that are decoded together are each validated by the same rules", () => {
  const output = { root: "", sizeBytes: 1, records: 1, value: "1" };
  const good = { kind: "done", task: 0, attempt: 1, durationMs: 0.5, output };
  const odd = { ...good, output: { ...output, extra: 1 }, extra: 2 };
  const counted = { ...good, counters: { words: 2 } };
  const parsed = parseReports([good, odd, counted].map(bytes));
  assert.deepEqual(parsed, [good, good, counted]);
  const bad = [
    { ...good, output: { ...output, value: "1\r2" } },
    { ...good, output: { ...output, root: "../../etc" } },
    { ...good, task: -1 },
    { ...good, durationMs: -1 },
  ];
  for (const one of bad) {
    const what = JSON.stringify(one);
    assert.throws(
      () => parseReports([bytes(good), bytes(one)]),
      { code: "protocol-violated" },
      what,
    );
  }
  // Two halves that form JSON only together are not JSON.
  const halves = ['{"kind":"returned"', '"task":1,"attempt":1,"durationMs":0}'];
  const cut = halves.map((text) => new TextEncoder().encode(text));
  assert.throws(() => parseReports(cut), { code: "protocol-violated" });
});
