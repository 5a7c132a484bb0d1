/** Frames as existing implementations make them, and ours, each with the envelope that it stands for. */
import type { AttemptRef } from "../../../core/ids.ts";
import type {
  Envelope,
  ManagerMessage,
  NodeDescription,
  TaskStatus,
  Welcome,
} from "../messages.ts";

export type Golden = { readonly name: string; readonly hex: string; readonly envelope: Envelope };

/** `1b 20 00 01 02 … 1f`: the task id of the golden frames. */
export const foreignTaskId = Uint8Array.from([0x1b, 0x20, ...Array(32).keys()]);
const T = "1b20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const none = new Uint8Array(0);
const utf8 = (text: string) => Uint8Array.from([...text].map((c) => c.codePointAt(0)!));

/** A packed id and what it says. */
export const clusterTag = Uint8Array.from([0xc1, 2, 3, 4, 5, 6, 7, 8]);
export const packedRef: AttemptRef = { job: "j-7", stage: 1, task: 12, attempt: 3 };
export const packedHex = "1b20c1020304050607080000000000000007000000010000000c0000000374716f31";

function old(name: string, hex: string, message: ManagerMessage): Golden {
  return { name, hex, envelope: { requestId: null, answerTo: null, message } };
}

function status(data: TaskStatus["data"]): ManagerMessage {
  return { kind: "taskStatus", status: { taskId: foreignTaskId, data, report: none } };
}

/** What existing implementations send; nothing of ours in them. */
export const oldFrames: readonly Golden[] = [
  old("NodeTypeRequest manager", "020a00", { kind: "nodeTypeRequest", nodeType: "manager" }),
  old("NodeTypeRequest worker", "040a020801", { kind: "nodeTypeRequest", nodeType: "worker" }),
  old("NodeTypeAnswer manager", "021200", { kind: "nodeTypeAnswer", nodeType: "manager" }),
  old("NotMine", "021a00", { kind: "notMine" }),
  old("Ack", "022200", { kind: "ack" }),
  old("ManagerRequest", "102a0e080a100a1804208008280a320100", {
    kind: "managerRequest",
    workerPrice: 10,
    networkPrice: 10,
    cpuCount: 4,
    memoryKb: 1024,
    networkKbps: 10,
    programKinds: [0],
    node: null,
  }),
  old("ManagerAnswer yes", "0432020801", { kind: "managerAnswer", accepted: true, welcome: null }),
  old("ManagerAnswer no", "023200", { kind: "managerAnswer", accepted: false, welcome: null }),
  old("ManagerBye", "023a00", { kind: "managerBye" }),
  old("ManagerPing", "024200", { kind: "managerPing" }),
  old("ManagerPong", "024a00", { kind: "managerPong" }),
  old("TasksPing", `265a240a22${T}`, { kind: "tasksPing", taskIds: [foreignTaskId] }),
  old("TasksAbord", `266a240a22${T}`, { kind: "tasksAbord", taskIds: [foreignTaskId] }),
  old("TasksPong started", `2e622c0a2a0a22${T}2080a0f8fa05`, {
    kind: "tasksPong",
    statuses: [
      {
        taskId: foreignTaskId,
        data: { kind: "started", unixS: 1_600_000_000 },
        report: none,
      },
    ],
  }),
  old("TaskStatus pending", `2872260a22${T}1a00`, status({ kind: "pending" })),
  old("TaskStatus timed out", `2872260a22${T}2800`, status({ kind: "error", error: "timed-out" })),
  old("TaskStatus failed", `2872260a22${T}2802`, status({ kind: "error", error: "runtime" })),
  old(
    "TaskStatus completed",
    `2972270a22${T}320137`,
    status({ kind: "completed", result: utf8("7") }),
  ),
  old("TaskStatus unknown", `2872260a22${T}3a00`, status({ kind: "unknown" })),
  old("TasksExecute", `5e525c0a5a0a22${T}12082f697066732f516d1a22${T}2a02343230643864`, {
    kind: "tasksExecute",
    tasks: [
      {
        taskId: foreignTaskId,
        programAddresses: ["/ipfs/Qm"],
        programHash: foreignTaskId,
        programKind: 0,
        argument: utf8("42"),
        timeoutS: 100,
        networkUsageMax: 100,
        timeoutMs: 0,
      },
    ],
  }),
];

const node: NodeDescription = {
  workerId: "w-7",
  credential: "s",
  name: "é",
  host: "h",
  slots: 2,
  exchangeUrl: "u",
  version: "0",
  holding: [foreignTaskId],
  serving: utf8("[]"),
  session: "x",
  returnsTasks: false,
  python: none,
  fill: none,
  readsLists: false,
};
const welcome: Welcome = {
  workerId: "w-7",
  credential: "s",
  epoch: 3,
  leaseMs: 15_000,
  heartbeatMs: 5_000,
  refusal: "",
  version: "0",
  fill: none,
  readsLists: false,
};

/** What two of ours say to each other, fields and messages from 100 on; protoc reads and writes them alike. */
export const ourFrames: readonly Golden[] = [
  {
    name: "NodeTypeRequest with a request id",
    hex: "070a020801a00605",
    envelope: {
      requestId: 5,
      answerTo: null,
      message: { kind: "nodeTypeRequest", nodeType: "worker" },
    },
  },
  {
    name: "Ack with the id that it answers",
    hex: "062200a806ac02",
    envelope: { requestId: null, answerTo: 300, message: { kind: "ack" } },
  },
  {
    name: "ManagerRequest with its node",
    hex:
      "522a4d1804208008320164a206420a03772d371201731a02c3a922016828023201753a0130" +
      `4222${T}4a025b5d520178a00601`,
    envelope: {
      requestId: 1,
      answerTo: null,
      message: {
        kind: "managerRequest",
        workerPrice: 0,
        networkPrice: 0,
        cpuCount: 4,
        memoryKb: 1024,
        networkKbps: 0,
        programKinds: [100],
        node,
      },
    },
  },
  {
    name: "ManagerAnswer with its welcome",
    hex: "1d32180801a206130a03772d3712017318032098752888273a0130a80601",
    envelope: {
      requestId: null,
      answerTo: 1,
      message: { kind: "managerAnswer", accepted: true, welcome },
    },
  },
  old("TasksExecute with its limit in ms", `30522e0a2c0a22${T}20643001a006fa01`, {
    kind: "tasksExecute",
    tasks: [
      {
        taskId: foreignTaskId,
        programAddresses: [],
        programHash: none,
        programKind: 100,
        argument: none,
        timeoutS: 1,
        networkUsageMax: 0,
        timeoutMs: 250,
      },
    ],
  }),
  old("TaskStatuses", `30f2062d0a2b0a22${T}1a00a206027b7d`, {
    kind: "taskStatuses",
    statuses: [{ taskId: foreignTaskId, data: { kind: "pending" }, report: utf8("{}") }],
  }),
  old("JobOpen", "07fa06040a027b7d", { kind: "jobOpen", job: utf8("{}") }),
  old("StageSources", "078207040a027b7d", {
    kind: "stageSources",
    sources: utf8("{}"),
  }),
  old("JobClose", "058a07020807", { kind: "jobClose", jobNumber: 7 }),
  old("WorkerNotes", "079207040a027b7d", { kind: "workerNotes", notes: utf8("{}") }),
  old("TasksReturn", `279a07240a22${T}`, { kind: "tasksReturn", taskIds: [foreignTaskId] }),
  old("TaskList", "07a207040a027b7d", { kind: "taskList", list: utf8("{}") }),
  old("TaskResults", "07aa07040a027b7d", { kind: "taskResults", results: utf8("{}") }),
];

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
