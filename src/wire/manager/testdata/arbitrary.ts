/** Any envelope that may be sent: what property tests draw from. */
import fc from "../../../../test/fixtures/fast-check.ts";
import type { Envelope, ManagerMessage, TaskExecute, TaskStatus } from "../messages.ts";

/** With the usual prototype, as decoded messages have it. */
const record = <T>(fields: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(fields, { noNullPrototype: true });

const whole = fc.oneof(fc.maxSafeNat(), fc.nat(300));
const id = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const text = fc.string({ unit: "binary", maxLength: 200 });
const bytes = fc.uint8Array({ maxLength: 300 });
const taskId = fc.uint8Array({ maxLength: 128 });
const taskIds = fc.array(taskId, { maxLength: 5 });
const nodeType = fc.constantFrom("manager", "worker");
const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, 100));

const task: fc.Arbitrary<TaskExecute> = record({
  taskId,
  programAddresses: fc.array(text, { maxLength: 4 }),
  programHash: taskId,
  programKind: int32,
  argument: bytes,
  timeoutS: whole,
  networkUsageMax: whole,
  timeoutMs: whole,
});

const status: fc.Arbitrary<TaskStatus> = record({
  taskId,
  data: fc.oneof(
    record({ kind: fc.constant("pending" as const) }),
    record({ kind: fc.constant("started" as const), unixS: whole }),
    record({
      kind: fc.constant("error" as const),
      error: fc.constantFrom("timed-out", "download", "runtime", "aborted", "unknown"),
    }),
    record({ kind: fc.constant("completed" as const), result: bytes }),
    record({ kind: fc.constant("unknown" as const) }),
  ),
  report: bytes,
});

const node = record({
  workerId: text,
  credential: text,
  name: text,
  host: text,
  slots: whole,
  exchangeUrl: text,
  version: text,
  holding: taskIds,
  serving: bytes,
  session: text,
  returnsTasks: fc.boolean(),
  python: bytes,
  fill: bytes,
  readsLists: fc.boolean(),
});

const welcome = record({
  workerId: text,
  credential: text,
  epoch: whole,
  leaseMs: whole,
  heartbeatMs: whole,
  refusal: text,
  version: text,
  fill: bytes,
  readsLists: fc.boolean(),
});

const just = <K extends ManagerMessage["kind"]>(kind: K) => record({ kind: fc.constant(kind) });
const kind = <K extends ManagerMessage["kind"]>(name: K) => fc.constant(name);
const statuses = fc.array(status, { maxLength: 5 });

/** One arbitrary for every kind: the type makes sure that none is missing. */
export const messages: {
  readonly [K in ManagerMessage["kind"]]: fc.Arbitrary<Extract<ManagerMessage, { kind: K }>>;
} = {
  nodeTypeRequest: record({ kind: kind("nodeTypeRequest"), nodeType }),
  nodeTypeAnswer: record({ kind: kind("nodeTypeAnswer"), nodeType }),
  notMine: just("notMine"),
  ack: just("ack"),
  managerRequest: record({
    kind: kind("managerRequest"),
    workerPrice: whole,
    networkPrice: whole,
    cpuCount: whole,
    memoryKb: whole,
    networkKbps: whole,
    programKinds: fc.array(int32, { maxLength: 5 }),
    node: fc.option(node),
  }),
  managerAnswer: record({
    kind: kind("managerAnswer"),
    accepted: fc.boolean(),
    welcome: fc.option(welcome),
  }),
  managerBye: just("managerBye"),
  managerPing: just("managerPing"),
  managerPong: just("managerPong"),
  tasksExecute: record({
    kind: kind("tasksExecute"),
    tasks: fc.array(task, { maxLength: 5 }),
  }),
  tasksPing: record({ kind: kind("tasksPing"), taskIds }),
  tasksPong: record({ kind: kind("tasksPong"), statuses }),
  tasksAbord: record({ kind: kind("tasksAbord"), taskIds }),
  taskStatus: record({ kind: kind("taskStatus"), status }),
  taskStatuses: record({ kind: kind("taskStatuses"), statuses }),
  jobOpen: record({ kind: kind("jobOpen"), job: bytes }),
  stageSources: record({ kind: kind("stageSources"), sources: bytes }),
  jobClose: record({ kind: kind("jobClose"), jobNumber: whole }),
  workerNotes: record({ kind: kind("workerNotes"), notes: bytes }),
  tasksReturn: record({ kind: kind("tasksReturn"), taskIds }),
  taskList: record({ kind: kind("taskList"), list: bytes }),
  taskResults: record({ kind: kind("taskResults"), results: bytes }),
};

export function envelopeOf(message: fc.Arbitrary<ManagerMessage>): fc.Arbitrary<Envelope> {
  return record({ requestId: id, answerTo: id, message });
}

export const envelopes: fc.Arbitrary<Envelope> = envelopeOf(fc.oneof(...Object.values(messages)));
