/** One link of a worker: its identity, its requests, and the messages to be sent to it.
 *
 *  open → joining: it asked to be managed · joining → joined: the join is durable and was answered
 *  · any → closed. Orders are only accepted while joined, or between the core's reply and the
 *  answer to the worker, when they are delayed so that the welcome comes first. */
import { ClusterError } from "../../../core/error.ts";
import type { JobId, WorkerId } from "../../../core/ids.ts";
import type { Link } from "../../../link/link.ts";
import type { ManagerMessage } from "../../../wire/manager/messages.ts";
import { type Arrival, ManagerSession } from "../../../wire/manager/session.ts";
import type { Principal } from "../../access/auth.ts";

export type LinkLimits = {
  /** A request that is not answered within this ends the link, ms. */
  readonly answerTimeoutMs: number;
  /** A link must ask to be managed within this, ms. */
  readonly joinTimeoutMs: number;
  /** Unanswered requests at once; further ones wait here. */
  readonly requestsMax: number;
  /** Bytes passed to the link and not yet sent, above which further messages wait here. */
  readonly pendingBytesMax: number;
  /** Messages that may wait here; one more ends the link. */
  readonly waitingMax: number;
};

export const defaultLinkLimits: LinkLimits = {
  answerTimeoutMs: 10_000,
  joinTimeoutMs: 30_000,
  requestsMax: 256,
  pendingBytesMax: 16 * 1024 * 1024,
  waitingMax: 50_000,
};

/** Messages that existing workers do not know, and are never sent. */
const oursOnly: ReadonlySet<string> = new Set(["jobOpen", "stageSources", "jobClose"]);

export type PeerRequest = Extract<Arrival, { kind: "request" }>;

/** The edge's handlers of what arrives. */
export type LinkOwner = {
  /** Any message arrived; `heardAtMs` is now. */
  heard(link: WorkerLink): void;
  /** Must answer, now or later, or leave it unanswered so that the worker asks again. */
  requested(link: WorkerLink, request: PeerRequest): void;
  /** Statuses that arrived as an answer to `tasksPing`. */
  told(link: WorkerLink, message: Extract<ManagerMessage, { kind: "tasksPong" }>): void;
  closed(link: WorkerLink, reason: string): void;
};

export class WorkerLink {
  readonly principal: Principal;
  readonly remote: string;
  readonly openedAtMs: number;
  phase: "open" | "joining" | "welcoming" | "joined" | "closed" = "open";
  worker: WorkerId | null = null;
  /** Jobs that were announced over this link. */
  readonly jobs = new Set<JobId>();
  /** Random number of the worker's process start; "" for existing workers. */
  process = "";
  /** It knows `tasksReturn`. */
  returnsTasks = false;
  heardAtMs: number;
  readonly #link: Link;
  readonly #owner: LinkOwner;
  readonly #limits: LinkLimits;
  readonly #nowMs: () => number;
  readonly #session: ManagerSession;
  #waiting: ManagerMessage[] = [];
  #pinged = false;

  constructor(
    link: Link,
    principal: Principal,
    options: { owner: LinkOwner; limits: LinkLimits; nowMs: () => number },
  ) {
    this.#link = link;
    this.principal = principal;
    this.remote = link.remote;
    this.#owner = options.owner;
    this.#limits = options.limits;
    this.#nowMs = options.nowMs;
    this.openedAtMs = this.#nowMs();
    this.heardAtMs = this.openedAtMs;
    const { answerTimeoutMs } = options.limits;
    this.#session = new ManagerSession({ role: "manager", answerTimeoutMs });
    link.onFrame((frame) => this.#receive(frame));
    link.onClose((reason) => this.#closed(reason));
    this.#request({ kind: "nodeTypeRequest", nodeType: "manager" });
  }

  /** Queues an order; dropped while the worker is not in relation with this coordinator: the core
   *  sends it again when it joins. */
  order(message: ManagerMessage): void {
    if (this.phase !== "joined" && this.phase !== "welcoming") return;
    if (oursOnly.has(message.kind) && !this.#session.extended) return;
    // Such a worker keeps its tasks: it would leave the order without an answer.
    if (message.kind === "tasksReturn" && !this.returnsTasks) return;
    this.#waiting.push(message);
    if (this.#waiting.length > this.#limits.waitingMax) {
      this.close(
        `${this.#limits.waitingMax} messages are queued for this worker, which reads none`,
      );
      return;
    }
    this.#flush();
  }

  /** Sends queued orders now, as far as the worker accepts them. */
  hurry(): void {
    if (this.phase === "joined") this.#link.flush?.();
  }

  /** Sends the answer to a ManagerRequest, and after it what was delayed. */
  welcome(frame: Uint8Array): void {
    if (this.phase !== "welcoming") return;
    this.phase = "joined";
    this.#link.send(frame);
    this.#flush();
  }

  answer(request: PeerRequest, message: ManagerMessage): void {
    if (this.phase !== "closed") this.#link.send(request.answer(message));
  }

  /** Called often: ends the link when an answer is overdue, pings a silent worker. */
  tick(atMs: number, silentMs: number): void {
    const overdue = this.#session.expired(atMs);
    if (overdue.length > 0) {
      this.close(`no answer to a request within ${this.#limits.answerTimeoutMs} ms`);
    } else if (this.phase === "open" && atMs - this.openedAtMs > this.#limits.joinTimeoutMs) {
      this.close(`no ManagerRequest within ${this.#limits.joinTimeoutMs} ms`);
    } else if (this.phase === "joined") {
      if (atMs - this.heardAtMs > silentMs && !this.#pinged) {
        this.#pinged = true;
        this.#request({ kind: "managerPing" });
      }
      this.#flush();
    }
  }

  close(reason: string): void {
    if (this.phase === "closed") return;
    this.#link.close(reason);
    this.#closed(reason);
  }

  #receive(frame: Uint8Array): void {
    if (this.phase === "closed") return;
    this.heardAtMs = this.#nowMs();
    this.#pinged = false;
    this.#owner.heard(this);
    this.guarded(() => {
      for (const arrival of this.#session.receive(frame)) {
        if (arrival.kind === "request") this.#owner.requested(this, arrival);
        else if (arrival.kind === "answer") this.#answered(arrival.message);
      }
    });
    this.#flush();
  }

  /** A peer's error closes its link and nothing else; a bug here must not be hidden. */
  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.close(error.message);
    }
  }

  #answered(message: ManagerMessage): void {
    if (message.kind === "notMine") this.close("the worker answers that it has another manager");
    else if (message.kind === "tasksPong") this.#owner.told(this, message);
  }

  #flush(): void {
    if (this.phase !== "joined" || this.#waiting.length === 0) return;
    let sent = 0;
    const { pendingBytesMax, requestsMax } = this.#limits;
    while (
      sent < this.#waiting.length &&
      this.#session.pendingCount < requestsMax &&
      this.#link.pendingBytes() < pendingBytesMax
    ) {
      this.#request(this.#waiting[sent]!);
      sent += 1;
    }
    this.#waiting.splice(0, sent);
  }

  #request(message: ManagerMessage): void {
    this.guarded(() => this.#link.send(this.#session.request(message, this.#nowMs()).frame));
  }

  #closed(reason: string): void {
    if (this.phase === "closed") return;
    this.phase = "closed";
    this.#waiting = [];
    this.#owner.closed(this, reason);
  }
}
