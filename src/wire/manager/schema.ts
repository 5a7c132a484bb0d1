/** The messages of the manager protocol as tables, field by field like `manager.proto` and
 *  `messages.ts`.
 *
 *  Numbers below 100 are those of existing implementations; numbers from 100 on are extensions. */
import {
  bool,
  bytes,
  bytesList,
  type Case,
  type Field,
  id,
  int32,
  int32List,
  message,
  messageList,
  oneof,
  optional,
  type Schema,
  text,
  textList,
  uint,
  variant,
} from "../protobuf/schema.ts";
import {
  frameBytesMax,
  programAddressesMax,
  programKindsMax,
  taskIdBytesMax,
  tasksPerMessageMax,
  textBytesMax,
} from "./limits.ts";
import type {
  Envelope,
  ManagerMessage,
  NodeDescription,
  NodeType,
  TaskErrorKind,
  TaskExecute,
  TaskStatus,
  Welcome,
} from "./messages.ts";
import { nodeTypes } from "./messages.ts";

export type MessageKind = ManagerMessage["kind"];
type Of<K extends MessageKind> = Extract<ManagerMessage, { kind: K }>;
type StatusData = TaskStatus["data"];
type Data<K extends StatusData["kind"]> = Extract<StatusData, { kind: K }>;

const taskId = (number: number) => bytes(number, taskIdBytesMax);
const taskIds = (number: number) =>
  bytesList(number, { countMax: tasksPerMessageMax, maxBytes: taskIdBytesMax });
const name = (number: number) => text(number, textBytesMax);
const blob = (number: number) => bytes(number, frameBytesMax);

/** There are two types of nodes; a third is a protocol violation. */
function nodeType(number: number): Field<NodeType> {
  return {
    numbers: [number],
    absent: () => "manager",
    write(writer, value) {
      if (nodeTypes[value] !== 0) writer.uint(number, nodeTypes[value]);
    },
    read(reader) {
      const value = reader.int32();
      if (value === nodeTypes.manager) return "manager";
      if (value === nodeTypes.worker) return "worker";
      return reader.fail(`node type ${value}`);
    },
  };
}

/** By their number on the wire. */
export const errorKinds: readonly TaskErrorKind[] = [
  "timed-out",
  "download",
  "runtime",
  "aborted",
  "unknown",
];

const nothing = <K extends MessageKind | StatusData["kind"]>(
  number: number,
  kind: K,
): Case<{ readonly kind: K }> => variant(number, message<{ readonly kind: K }>({}, kind));

const statusCases = {
  pending: nothing(3, "pending"),
  started: {
    number: 4,
    write: (writer, value) => writer.uint(4, value.unixS),
    read: (reader) => ({ kind: "started", unixS: reader.uint() }),
  } satisfies Case<Data<"started">>,
  error: {
    number: 5,
    write: (writer, value) => writer.int32(5, errorKinds.indexOf(value.error)),
    // A kind that a newer peer added is still an error.
    read: (reader) => ({ kind: "error", error: errorKinds[reader.int32()] ?? "unknown" }),
  } satisfies Case<Data<"error">>,
  completed: {
    number: 6,
    write: (writer, value) => writer.bytes(6, value.result, frameBytesMax),
    read: (reader) => ({ kind: "completed", result: reader.bytes(frameBytesMax) }),
  } satisfies Case<Data<"completed">>,
  unknown: nothing(7, "unknown"),
};

export const taskExecute: Schema<TaskExecute> = message<TaskExecute>({
  taskId: taskId(1),
  programAddresses: textList(2, { countMax: programAddressesMax, maxBytes: textBytesMax }),
  programHash: bytes(3, taskIdBytesMax),
  programKind: int32(4),
  argument: blob(5),
  timeoutS: uint(6),
  networkUsageMax: uint(7),
  timeoutMs: uint(100),
});

/** An empty status means that the worker does not know the task. */
export const taskStatus: Schema<TaskStatus> = message<TaskStatus>({
  taskId: taskId(1),
  data: oneof<StatusData, StatusData>(statusCases, { kind: "unknown" }),
  report: blob(100),
});

export const nodeDescription: Schema<NodeDescription> = message<NodeDescription>({
  workerId: name(1),
  credential: name(2),
  name: name(3),
  host: name(4),
  slots: uint(5),
  exchangeUrl: name(6),
  version: name(7),
  holding: taskIds(8),
  serving: blob(9),
  session: name(10),
  returnsTasks: bool(11),
  python: blob(12),
});

export const welcome: Schema<Welcome> = message<Welcome>({
  workerId: name(1),
  credential: name(2),
  epoch: uint(3),
  leaseMs: uint(4),
  heartbeatMs: uint(5),
  refusal: name(6),
  version: name(7),
});

/** The messages that hold fields, in the order of their numbers in the wrapper. */
export const schemas = {
  nodeTypeRequest: message<Of<"nodeTypeRequest">>({ nodeType: nodeType(1) }, "nodeTypeRequest"),
  nodeTypeAnswer: message<Of<"nodeTypeAnswer">>({ nodeType: nodeType(1) }, "nodeTypeAnswer"),
  managerRequest: message<Of<"managerRequest">>(
    {
      workerPrice: uint(1),
      networkPrice: uint(2),
      cpuCount: uint(3),
      memoryKb: uint(4),
      networkKbps: uint(5),
      programKinds: int32List(6, programKindsMax),
      node: optional(100, nodeDescription),
    },
    "managerRequest",
  ),
  managerAnswer: message<Of<"managerAnswer">>(
    { accepted: bool(1), welcome: optional(100, welcome) },
    "managerAnswer",
  ),
  tasksExecute: message<Of<"tasksExecute">>(
    { tasks: messageList(1, taskExecute, tasksPerMessageMax) },
    "tasksExecute",
  ),
  tasksPing: message<Of<"tasksPing">>({ taskIds: taskIds(1) }, "tasksPing"),
  tasksPong: message<Of<"tasksPong">>(
    { statuses: messageList(1, taskStatus, tasksPerMessageMax) },
    "tasksPong",
  ),
  tasksAbord: message<Of<"tasksAbord">>({ taskIds: taskIds(1) }, "tasksAbord"),
  taskStatuses: message<Of<"taskStatuses">>(
    { statuses: messageList(1, taskStatus, tasksPerMessageMax) },
    "taskStatuses",
  ),
  jobOpen: message<Of<"jobOpen">>({ job: blob(1) }, "jobOpen"),
  stageSources: message<Of<"stageSources">>({ sources: blob(1) }, "stageSources"),
  jobClose: message<Of<"jobClose">>({ jobNumber: uint(1) }, "jobClose"),
  workerNotes: message<Of<"workerNotes">>({ notes: blob(1) }, "workerNotes"),
  tasksReturn: message<Of<"tasksReturn">>({ taskIds: taskIds(1) }, "tasksReturn"),
};

const taskStatusMessage = variant(14, taskStatus);

/** WorkerMsgWrapper's oneof: every message with its number. */
export const messageCases: { readonly [K in MessageKind]: Case<Of<K>> } = {
  nodeTypeRequest: variant(1, schemas.nodeTypeRequest),
  nodeTypeAnswer: variant(2, schemas.nodeTypeAnswer),
  notMine: nothing(3, "notMine"),
  ack: nothing(4, "ack"),
  managerRequest: variant(5, schemas.managerRequest),
  managerAnswer: variant(6, schemas.managerAnswer),
  managerBye: nothing(7, "managerBye"),
  managerPing: nothing(8, "managerPing"),
  managerPong: nothing(9, "managerPong"),
  tasksExecute: variant(10, schemas.tasksExecute),
  tasksPing: variant(11, schemas.tasksPing),
  tasksPong: variant(12, schemas.tasksPong),
  tasksAbord: variant(13, schemas.tasksAbord),
  taskStatus: {
    number: 14,
    write: (writer, value) => taskStatusMessage.write(writer, value.status),
    read: (reader) => ({ kind: "taskStatus", status: taskStatusMessage.read(reader) }),
  },
  taskStatuses: variant(110, schemas.taskStatuses),
  jobOpen: variant(111, schemas.jobOpen),
  stageSources: variant(112, schemas.stageSources),
  jobClose: variant(113, schemas.jobClose),
  workerNotes: variant(114, schemas.workerNotes),
  tasksReturn: variant(115, schemas.tasksReturn),
};

/** A received wrapper; `message` is null when it holds no known message. */
export type Wrapper = Omit<Envelope, "message"> & { readonly message: ManagerMessage | null };

/** The wrapper; the extension's ids come last and are left out when null, so that the rest is what
 *  old peers send. */
export const wrapper: Schema<Wrapper> = message<Wrapper>({
  message: oneof<ManagerMessage, null>(messageCases, null),
  requestId: id(100),
  answerTo: id(101),
});
