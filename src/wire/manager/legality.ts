/** Which side may send which request, and what may answer it: the whole grammar of the manager
 *  protocol in one table. */
import type { ManagerMessage, NodeType } from "./messages.ts";

export type MessageKind = ManagerMessage["kind"];
export type AnswerKind =
  | "nodeTypeAnswer"
  | "notMine"
  | "ack"
  | "managerAnswer"
  | "managerPong"
  | "tasksPong";
export type RequestKind = Exclude<MessageKind, AnswerKind>;

type Rule = {
  /** The side that may send it. ManagerRequest is a worker's, but a worker that gets one answers
   *  `accepted: false`, as the protocol's document requires. */
  readonly from: NodeType | "either";
  readonly answers: readonly AnswerKind[];
  /** An extension, from 100 on: only for peers that have shown that they know the extensions. */
  readonly ours?: true;
};

export const rules: Readonly<Record<RequestKind, Rule>> = {
  nodeTypeRequest: { from: "either", answers: ["nodeTypeAnswer"] },
  managerRequest: { from: "either", answers: ["managerAnswer"] },
  managerBye: { from: "either", answers: ["ack"] },
  managerPing: { from: "either", answers: ["managerPong", "notMine"] },
  tasksExecute: { from: "manager", answers: ["ack", "notMine"] },
  tasksPing: { from: "manager", answers: ["tasksPong", "notMine"] },
  tasksAbord: { from: "manager", answers: ["ack", "notMine"] },
  taskStatus: { from: "worker", answers: ["ack", "notMine"] },
  taskStatuses: { from: "worker", answers: ["ack", "notMine"], ours: true },
  jobOpen: { from: "manager", answers: ["ack", "notMine"], ours: true },
  stageSources: { from: "manager", answers: ["ack", "notMine"], ours: true },
  jobClose: { from: "manager", answers: ["ack", "notMine"], ours: true },
  workerNotes: { from: "worker", answers: ["ack", "notMine"], ours: true },
  tasksReturn: { from: "manager", answers: ["ack", "notMine"], ours: true },
  taskList: { from: "manager", answers: ["ack", "notMine"], ours: true },
  taskResults: { from: "worker", answers: ["ack", "notMine"], ours: true },
};

/** Which kinds may answer a request of this kind. */
export const answersTo: Readonly<Record<RequestKind, readonly AnswerKind[]>> = Object.fromEntries(
  Object.entries(rules).map(([kind, rule]) => [kind, rule.answers]),
) as Record<RequestKind, readonly AnswerKind[]>;

export type Request = Extract<ManagerMessage, { kind: RequestKind }>;

/** Every message that is not an answer expects one. */
export function isRequest(message: ManagerMessage): message is Request {
  return Object.hasOwn(rules, message.kind);
}
