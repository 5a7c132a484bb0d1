/** The messages of the manager protocol as tables: the fields of `messages.ts`, with their numbers
 *  from `manager.proto` and their limits.
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
import * as n from "./numbers.ts";

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
export const errorKinds: readonly TaskErrorKind[] = Object.entries({
  "timed-out": n.taskErrorKind.TIMED_OUT,
  download: n.taskErrorKind.DOWNLOAD,
  runtime: n.taskErrorKind.RUNTIME,
  aborted: n.taskErrorKind.ABORTED,
  unknown: n.taskErrorKind.UNKNOWN,
} satisfies Record<TaskErrorKind, number>)
  .sort(([, a], [, b]) => a - b)
  .map(([kind]) => kind as TaskErrorKind);

const nothing = <K extends MessageKind | StatusData["kind"]>(
  number: number,
  kind: K,
): Case<{ readonly kind: K }> => variant(number, message<{ readonly kind: K }>({}, kind));

const statusCases = {
  pending: nothing(n.taskStatus.pending, "pending"),
  started: {
    number: n.taskStatus.startTime,
    write: (writer, value) => writer.uint(n.taskStatus.startTime, value.unixS),
    read: (reader) => ({ kind: "started", unixS: reader.uint() }),
  } satisfies Case<Data<"started">>,
  error: {
    number: n.taskStatus.error,
    write: (writer, value) => writer.int32(n.taskStatus.error, errorKinds.indexOf(value.error)),
    // A kind that a newer peer added is still an error.
    read: (reader) => ({ kind: "error", error: errorKinds[reader.int32()] ?? "unknown" }),
  } satisfies Case<Data<"error">>,
  completed: {
    number: n.taskStatus.result,
    write: (writer, value) => writer.bytes(n.taskStatus.result, value.result, frameBytesMax),
    read: (reader) => ({ kind: "completed", result: reader.bytes(frameBytesMax) }),
  } satisfies Case<Data<"completed">>,
  unknown: nothing(n.taskStatus.unknown, "unknown"),
};

export const taskExecute: Schema<TaskExecute> = message<TaskExecute>({
  taskId: taskId(n.taskExecute.taskId),
  programAddresses: textList(n.taskExecute.programAddresses, {
    countMax: programAddressesMax,
    maxBytes: textBytesMax,
  }),
  programHash: bytes(n.taskExecute.programHash, taskIdBytesMax),
  programKind: int32(n.taskExecute.programKind),
  argument: blob(n.taskExecute.argument),
  timeoutS: uint(n.taskExecute.timeout),
  networkUsageMax: uint(n.taskExecute.maxNetworkUsage),
  timeoutMs: uint(n.taskExecute.timeoutMs),
});

/** An empty status means that the worker does not know the task. */
export const taskStatus: Schema<TaskStatus> = message<TaskStatus>({
  taskId: taskId(n.taskStatus.taskId),
  data: oneof<StatusData, StatusData>(statusCases, { kind: "unknown" }),
  report: blob(n.taskStatus.report),
});

export const nodeDescription: Schema<NodeDescription> = message<NodeDescription>({
  workerId: name(n.nodeDescription.workerId),
  credential: name(n.nodeDescription.credential),
  name: name(n.nodeDescription.name),
  host: name(n.nodeDescription.host),
  slots: uint(n.nodeDescription.slots),
  exchangeUrl: name(n.nodeDescription.exchangeUrl),
  version: name(n.nodeDescription.version),
  holding: taskIds(n.nodeDescription.holding),
  serving: blob(n.nodeDescription.serving),
  session: name(n.nodeDescription.session),
  returnsTasks: bool(n.nodeDescription.returnsTasks),
  python: blob(n.nodeDescription.python),
  fill: blob(n.nodeDescription.fill),
  readsLists: bool(n.nodeDescription.readsLists),
});

export const welcome: Schema<Welcome> = message<Welcome>({
  workerId: name(n.welcome.workerId),
  credential: name(n.welcome.credential),
  epoch: uint(n.welcome.epoch),
  leaseMs: uint(n.welcome.leaseMs),
  heartbeatMs: uint(n.welcome.heartbeatMs),
  refusal: name(n.welcome.refusal),
  version: name(n.welcome.version),
  fill: blob(n.welcome.fill),
  readsLists: bool(n.welcome.readsLists),
});

/** The messages that hold fields, in the order of their numbers in the wrapper. */
export const schemas = {
  nodeTypeRequest: message<Of<"nodeTypeRequest">>(
    { nodeType: nodeType(n.nodeTypeRequest.nodeType) },
    "nodeTypeRequest",
  ),
  nodeTypeAnswer: message<Of<"nodeTypeAnswer">>(
    { nodeType: nodeType(n.nodeTypeAnswer.nodeType) },
    "nodeTypeAnswer",
  ),
  managerRequest: message<Of<"managerRequest">>(
    {
      workerPrice: uint(n.managerRequest.workerPrice),
      networkPrice: uint(n.managerRequest.networkPrice),
      cpuCount: uint(n.managerRequest.cpuCount),
      memoryKb: uint(n.managerRequest.memory),
      networkKbps: uint(n.managerRequest.networkSpeed),
      programKinds: int32List(n.managerRequest.supportedProgramKinds, programKindsMax),
      node: optional(n.managerRequest.node, nodeDescription),
    },
    "managerRequest",
  ),
  managerAnswer: message<Of<"managerAnswer">>(
    {
      accepted: bool(n.managerAnswer.accepted),
      welcome: optional(n.managerAnswer.welcome, welcome),
    },
    "managerAnswer",
  ),
  tasksExecute: message<Of<"tasksExecute">>(
    { tasks: messageList(n.tasksExecute.tasks, taskExecute, tasksPerMessageMax) },
    "tasksExecute",
  ),
  tasksPing: message<Of<"tasksPing">>({ taskIds: taskIds(n.tasksPing.taskIds) }, "tasksPing"),
  tasksPong: message<Of<"tasksPong">>(
    { statuses: messageList(n.tasksPong.statuses, taskStatus, tasksPerMessageMax) },
    "tasksPong",
  ),
  tasksAbord: message<Of<"tasksAbord">>({ taskIds: taskIds(n.tasksAbord.taskIds) }, "tasksAbord"),
  taskStatuses: message<Of<"taskStatuses">>(
    { statuses: messageList(n.taskStatuses.statuses, taskStatus, tasksPerMessageMax) },
    "taskStatuses",
  ),
  jobOpen: message<Of<"jobOpen">>({ job: blob(n.jobOpen.job) }, "jobOpen"),
  stageSources: message<Of<"stageSources">>(
    { sources: blob(n.stageSources.sources) },
    "stageSources",
  ),
  jobClose: message<Of<"jobClose">>({ jobNumber: uint(n.jobClose.jobNumber) }, "jobClose"),
  workerNotes: message<Of<"workerNotes">>({ notes: blob(n.workerNotes.notes) }, "workerNotes"),
  tasksReturn: message<Of<"tasksReturn">>(
    { taskIds: taskIds(n.tasksReturn.taskIds) },
    "tasksReturn",
  ),
  taskList: message<Of<"taskList">>({ list: blob(n.taskList.list) }, "taskList"),
  taskResults: message<Of<"taskResults">>({ results: blob(n.taskResults.results) }, "taskResults"),
};

const taskStatusMessage = variant(n.workerMsgWrapper.taskStatus, taskStatus);

/** WorkerMsgWrapper's oneof: every message with its number. */
export const messageCases: { readonly [K in MessageKind]: Case<Of<K>> } = {
  nodeTypeRequest: variant(n.workerMsgWrapper.nodeTypeRequest, schemas.nodeTypeRequest),
  nodeTypeAnswer: variant(n.workerMsgWrapper.nodeTypeAnswer, schemas.nodeTypeAnswer),
  notMine: nothing(n.workerMsgWrapper.notMine, "notMine"),
  ack: nothing(n.workerMsgWrapper.ack, "ack"),
  managerRequest: variant(n.workerMsgWrapper.managerRequest, schemas.managerRequest),
  managerAnswer: variant(n.workerMsgWrapper.managerAnswer, schemas.managerAnswer),
  managerBye: nothing(n.workerMsgWrapper.managerBye, "managerBye"),
  managerPing: nothing(n.workerMsgWrapper.managerPing, "managerPing"),
  managerPong: nothing(n.workerMsgWrapper.managerPong, "managerPong"),
  tasksExecute: variant(n.workerMsgWrapper.tasksExecute, schemas.tasksExecute),
  tasksPing: variant(n.workerMsgWrapper.tasksPing, schemas.tasksPing),
  tasksPong: variant(n.workerMsgWrapper.tasksPong, schemas.tasksPong),
  tasksAbord: variant(n.workerMsgWrapper.tasksAbord, schemas.tasksAbord),
  taskStatus: {
    number: n.workerMsgWrapper.taskStatus,
    write: (writer, value) => taskStatusMessage.write(writer, value.status),
    read: (reader) => ({ kind: "taskStatus", status: taskStatusMessage.read(reader) }),
  },
  taskStatuses: variant(n.workerMsgWrapper.taskStatuses, schemas.taskStatuses),
  jobOpen: variant(n.workerMsgWrapper.jobOpen, schemas.jobOpen),
  stageSources: variant(n.workerMsgWrapper.stageSources, schemas.stageSources),
  jobClose: variant(n.workerMsgWrapper.jobClose, schemas.jobClose),
  workerNotes: variant(n.workerMsgWrapper.workerNotes, schemas.workerNotes),
  tasksReturn: variant(n.workerMsgWrapper.tasksReturn, schemas.tasksReturn),
  taskList: variant(n.workerMsgWrapper.taskList, schemas.taskList),
  taskResults: variant(n.workerMsgWrapper.taskResults, schemas.taskResults),
};

/** A received wrapper; `message` is null when it holds no known message. */
export type Wrapper = Omit<Envelope, "message"> & { readonly message: ManagerMessage | null };

/** The wrapper; the extension's ids come last and are left out when null, so that the rest is what
 *  old peers send. */
export const wrapper: Schema<Wrapper> = message<Wrapper>({
  message: oneof<ManagerMessage, null>(messageCases, null),
  requestId: id(n.workerMsgWrapper.requestId),
  answerTo: id(n.workerMsgWrapper.answerTo),
});
