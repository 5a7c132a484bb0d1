/** A coordinator that does what a test says, over a real WebSocket and HTTP. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { ClusterError } from "../../core/error.ts";
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { Link } from "../../link/link.ts";
import { acceptWebSockets, refuseUpgrade } from "../../link/websocket.ts";
import type {
  JobOpen,
  ManagerMessage,
  NodeDescription,
  StageSources,
  TaskStatus,
  Welcome,
} from "../../wire/manager/messages.ts";
import { ManagerSession } from "../../wire/manager/session.ts";
import { packTaskId, unpackTaskId } from "../../wire/manager/taskid.ts";

type Kind = ManagerMessage["kind"];
type Told<K extends Kind> = Extract<ManagerMessage, { kind: K }>;
type Waiter = { readonly kind: Kind; readonly found: (message: ManagerMessage) => void };

export const joinToken = "join-token";
export const credential = "credential-of-w-1";
const tag = randomBytes(8);

/** One link of one worker: says what the test wants, acknowledges what comes. */
export class ManagerEnd {
  readonly link: Link;
  readonly closed: Promise<string>;
  readonly #manager: ScriptedManager;
  readonly #session = new ManagerSession({ role: "manager" });
  readonly #answers = new Map<number, (message: ManagerMessage) => void>();
  readonly #arrived: ManagerMessage[] = [];
  #waiters: Waiter[] = [];

  constructor(link: Link, manager: ScriptedManager) {
    this.link = link;
    this.#manager = manager;
    this.closed = new Promise((resolve) => link.onClose(resolve));
    link.onFrame((frame) => {
      for (const arrival of this.#session.receive(frame)) {
        if (arrival.kind === "answer") this.#answers.get(arrival.to)?.(arrival.message);
        if (arrival.kind !== "request") continue;
        const reply = this.#manager.replyTo(arrival.message);
        if (reply !== null) link.send(arrival.answer(reply));
        this.#note(arrival.message);
      }
    });
  }

  ask(message: ManagerMessage): Promise<ManagerMessage> {
    const { id, frame } = this.#session.request(message, 0);
    this.link.send(frame);
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  /** The next message of this kind that was not asked for before. */
  told<K extends Kind>(kind: K): Promise<Told<K>> {
    const at = this.#arrived.findIndex((message) => message.kind === kind);
    if (at !== -1) return Promise.resolve(this.#arrived.splice(at, 1)[0] as Told<K>);
    return new Promise((resolve) => {
      this.#waiters.push({ kind, found: (message) => resolve(message as Told<K>) });
    });
  }

  open(job: JobOpen): Promise<ManagerMessage> {
    return this.ask({ kind: "jobOpen", job: json(job) });
  }

  sources(sources: StageSources): Promise<ManagerMessage> {
    return this.ask({ kind: "stageSources", sources: json(sources) });
  }

  assign(refs: readonly AttemptRef[], timeoutMs = 0): Promise<ManagerMessage> {
    const tasks = refs.map((ref) => ({
      taskId: packTaskId(tag, ref),
      programAddresses: [],
      programHash: new Uint8Array(0),
      programKind: 100,
      argument: new Uint8Array(0),
      timeoutS: Math.ceil(timeoutMs / 1000),
      networkUsageMax: 0,
      timeoutMs,
    }));
    return this.ask({ kind: "tasksExecute", tasks });
  }

  abort(refs: readonly AttemptRef[]): Promise<ManagerMessage> {
    return this.ask({ kind: "tasksAbord", taskIds: refs.map((ref) => packTaskId(tag, ref)) });
  }

  async stateOf(ref: AttemptRef): Promise<TaskStatus["data"]["kind"]> {
    const pong = await this.ask({ kind: "tasksPing", taskIds: [packTaskId(tag, ref)] });
    if (pong.kind !== "tasksPong") throw new Error(pong.kind);
    return pong.statuses[0]!.data.kind;
  }

  /** The next `count` reports, in the order in which they came. */
  async reports(count = 1): Promise<AttemptReport[]> {
    const all: AttemptReport[] = [];
    while (all.length < count) {
      const { statuses } = await this.told("taskStatuses");
      for (const status of statuses) all.push(JSON.parse(new TextDecoder().decode(status.report)));
    }
    return all;
  }

  #note(message: ManagerMessage): void {
    const waiter = this.#waiters.find(({ kind }) => kind === message.kind);
    if (waiter === undefined) this.#arrived.push(message);
    else {
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.found(message);
    }
  }
}

export class ScriptedManager {
  readonly blobs = new Map<string, Buffer>();
  /** Programs of an existing manager, by path; they need no token. */
  readonly programs = new Map<string, Uint8Array>();
  /** The answers to workers that ask for sources anew, by path. */
  readonly sources = new Map<string, StageSources>();
  /** Bearer token of each upgrade. */
  readonly tokens: string[] = [];
  /** Null = of the manager protocol as it was before ours. */
  welcome: Welcome | null;
  /** Answer to a message, instead of the usual one. Null = none. */
  override: ((message: ManagerMessage) => ManagerMessage | null | undefined) | null = null;
  readonly #server: Server;
  #ends: ManagerEnd[] = [];
  #wake = () => {};

  private constructor(server: Server, welcome: Welcome | null) {
    this.#server = server;
    this.welcome = welcome;
  }

  static async start(t: TestContext, over: Partial<Welcome> | null = {}): Promise<ScriptedManager> {
    const server = createServer();
    const welcome = {
      workerId: "w-1",
      credential,
      epoch: 1,
      leaseMs: 10_000,
      heartbeatMs: 1_000,
      refusal: "",
      fill: new Uint8Array(0),
      version: "test",
      readsLists: false,
    };
    const manager = new ScriptedManager(server, over === null ? null : { ...welcome, ...over });
    const sockets = acceptWebSockets();
    server.on("request", (ask, answer) => manager.#serve(ask, answer));
    server.on("upgrade", (request, socket, head) => {
      const token = (request.headers.authorization ?? "").slice("Bearer ".length);
      manager.tokens.push(token);
      if (token !== joinToken && token !== credential) {
        refuseUpgrade(socket, 401, new ClusterError("unauthenticated", "a wrong token"));
        return;
      }
      sockets.handleUpgrade(request, socket, head, (link) => {
        manager.#ends.push(new ManagerEnd(link, manager));
        manager.#wake();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(async () => {
      await sockets.close();
      server.closeAllConnections();
      server.close();
    });
    return manager;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The next link, and how its worker described itself. */
  async joined(): Promise<{ end: ManagerEnd; node: NodeDescription }> {
    while (this.#ends.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const end = this.#ends.shift() as ManagerEnd;
    const { node } = await end.told("managerRequest");
    return { end, node: node as NodeDescription };
  }

  put(content: string | Uint8Array): string {
    const bytes = Buffer.from(content);
    const hash = createHash("sha256").update(bytes).digest("hex");
    this.blobs.set(hash, bytes);
    return hash;
  }

  replyTo(message: ManagerMessage): ManagerMessage | null {
    const other = this.override?.(message);
    if (other !== undefined) return other;
    switch (message.kind) {
      case "nodeTypeRequest":
        return { kind: "nodeTypeAnswer", nodeType: "manager" };
      case "managerRequest":
        return { kind: "managerAnswer", accepted: true, welcome: this.welcome };
      case "managerPing":
        return { kind: "managerPong" };
    }
    return { kind: "ack" };
  }

  async #serve(ask: IncomingMessage, answer: ServerResponse): Promise<void> {
    const send = (status: number, body: string | Uint8Array) => answer.writeHead(status).end(body);
    const program = this.programs.get(ask.url ?? "");
    if (program !== undefined) return void send(200, program);
    if (ask.headers.authorization !== `Bearer ${credential}`) return void send(401, "");
    if (ask.method === "POST" && ask.url === "/v1/blobs") {
      const chunks: Buffer[] = [];
      for await (const chunk of ask) chunks.push(chunk as Buffer);
      const bytes = Buffer.concat(chunks);
      return void send(200, JSON.stringify({ hash: this.put(bytes), sizeBytes: bytes.length }));
    }
    const sources = this.sources.get(ask.url ?? "");
    if (sources !== undefined) return void send(200, JSON.stringify(sources));
    const blob = this.blobs.get((ask.url ?? "").split("/").at(-1) ?? "");
    if (blob === undefined) return void send(404, "");
    send(200, blob);
  }
}

export function unpacked(ids: readonly Uint8Array[]): AttemptRef[] {
  return ids.map((id) => unpackTaskId(id) as AttemptRef);
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
