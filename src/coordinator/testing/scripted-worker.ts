/** A worker that a test scripts, over a real WebSocket. */
import type { TestContext } from "node:test";
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { Link } from "../../link/link.ts";
import { dialWebSocket } from "../../link/websocket.ts";
import type {
  ManagerMessage,
  NodeDescription,
  TaskStatus,
  Welcome,
} from "../../wire/manager/messages.ts";
import { type Arrival, ManagerSession } from "../../wire/manager/session.ts";
import { unpackTaskId } from "../../wire/manager/taskid.ts";
import { workerPath } from "../edges/http/upgrade.ts";

type Kind = ManagerMessage["kind"];
type Asked = Extract<Arrival, { kind: "request" }>;

export class ScriptedWorker {
  readonly link: Link;
  readonly closed: Promise<string>;
  readonly #session = new ManagerSession({ role: "worker" });
  readonly #answers = new Map<number, (message: ManagerMessage) => void>();
  #asked: Asked[] = [];
  #wake = () => {};
  #closedFor: string | null = null;
  #hasSaidType = false;

  constructor(link: Link) {
    this.link = link;
    this.closed = new Promise((resolve) => link.onClose(resolve));
    void this.closed.then((reason) => {
      this.#closedFor = reason;
      this.#wake();
    });
    link.onFrame((frame) => {
      for (const arrival of this.#session.receive(frame)) {
        if (arrival.kind === "answer") this.#answers.get(arrival.to)?.(arrival.message);
        if (arrival.kind === "request") this.#asked.push(arrival);
      }
      this.#wake();
    });
  }

  static async dial(t: TestContext, url: string, token: string): Promise<ScriptedWorker> {
    const link = await dialWebSocket(new URL(workerPath, url).href, {
      headers: { authorization: `Bearer ${token}` },
    });
    t.after(() => link.close());
    return new ScriptedWorker(link);
  }

  /** Its answer. Rejects when the link closes before. */
  ask(message: ManagerMessage): Promise<ManagerMessage> {
    if (message.kind === "managerRequest" && !this.#hasSaidType) {
      this.#hasSaidType = true;
      void this.ask({ kind: "nodeTypeRequest", nodeType: "worker" });
    }
    const { id, frame } = this.#session.request(message, 0);
    this.link.send(frame);
    const answer = new Promise<ManagerMessage>((resolve, reject) => {
      this.#answers.set(id, resolve);
      const { kind } = message;
      void this.closed.then((reason) => {
        reject(new Error(`the link closed before ${kind} was answered: ${reason}`));
      });
    });
    // A test may ask for what ends the link, and wait for that only.
    answer.catch(() => {});
    return answer;
  }

  async join(node: Partial<NodeDescription> = {}): Promise<Welcome> {
    const answer = await this.ask(managerRequest(node));
    if (answer.kind !== "managerAnswer" || answer.welcome === null) throw new Error(answer.kind);
    return answer.welcome;
  }

  /** The next request of this kind, acknowledged; other kinds before it are acknowledged too.
   *  Rejects when the link closes before: nothing more will be asked. */
  async asked<K extends Kind>(kind: K): Promise<Extract<ManagerMessage, { kind: K }>> {
    for (;;) {
      for (let next = this.#asked.shift(); next !== undefined; next = this.#asked.shift()) {
        const { message } = next;
        if (message.kind === "nodeTypeRequest") {
          this.link.send(next.answer({ kind: "nodeTypeAnswer", nodeType: "worker" }));
        } else if (message.kind === "managerPing") {
          this.link.send(next.answer({ kind: "managerPong" }));
        } else {
          this.link.send(next.answer({ kind: "ack" }));
        }
        if (message.kind === kind) return message as Extract<ManagerMessage, { kind: K }>;
      }
      if (this.#closedFor !== null) {
        throw new Error(`the link closed before ${kind} was asked: ${this.#closedFor}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The attempts of the next TasksExecute. */
  async assigned(): Promise<Array<{ ref: AttemptRef; taskId: Uint8Array }>> {
    const { tasks } = await this.asked("tasksExecute");
    return tasks.map(({ taskId }) => ({ taskId, ref: unpackTaskId(taskId) as AttemptRef }));
  }

  report(statuses: readonly TaskStatus[]): Promise<ManagerMessage> {
    return this.ask({ kind: "taskStatuses", statuses });
  }
}

export function managerRequest(node: Partial<NodeDescription> | null): ManagerMessage {
  const described: NodeDescription = {
    workerId: "",
    credential: "",
    name: "scripted",
    host: "h1",
    slots: 2,
    exchangeUrl: "grpc://127.0.0.1:9",
    version: "test",
    holding: [],
    serving: new Uint8Array(0),
    session: "process 1",
    returnsTasks: true,
    fill: new Uint8Array(0),
    readsLists: false,
    python: new Uint8Array(0),
    ...node,
  };
  return {
    kind: "managerRequest",
    workerPrice: 10,
    networkPrice: 10,
    cpuCount: 4,
    memoryKb: 1024,
    networkKbps: 10,
    programKinds: node === null ? [0] : [100],
    node: node === null ? null : described,
  };
}

export function doneStatus(
  { ref, taskId }: { ref: AttemptRef; taskId: Uint8Array },
  over: Partial<AttemptReport> = {},
): TaskStatus {
  const { task, attempt } = ref;
  const output = { root: "", sizeBytes: 2, records: 1, value: String(task * 10) };
  const report = { kind: "done", task, attempt, durationMs: 1, output, ...over };
  const bytes = new TextEncoder().encode(JSON.stringify(report));
  return { taskId, data: { kind: "completed", result: new Uint8Array(0) }, report: bytes };
}
