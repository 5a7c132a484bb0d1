/** One link of a worker: its identity, its requests, and the messages to be sent to it.
 *
 *  open → joining: it asked to be managed · joining → joined: the join is durable and was answered
 *  · any → closed. Orders are only accepted while joined, or between the core's reply and the
 *  answer to the worker, when they are delayed so that the welcome comes first. */
import { ClusterError } from "../../../core/error.ts";
import type { JobId, WorkerId } from "../../../core/ids.ts";
import type { Link } from "../../../link/link.ts";
import type { ManagerMessage, NodeType } from "../../../wire/manager/messages.ts";
import { type Arrival, ManagerSession } from "../../../wire/manager/session.ts";
import type { Principal } from "../../access/auth.ts";
import type { LivenessOptions } from "./liveness.ts";
import type { NarrowLinks } from "./narrow.ts";
import { RoundTrips } from "./round-trips.ts";

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

/** Silent for so many heartbeats, a worker is asked; its id may then be claimed by another
 *  process. */
const quietHeartbeats = 2;
/** Of existing workers, which receive no other times. `askMs`: how often there may be a question
 *  about their tasks. */
const existingPatience = { quietMs: 15_000, leaseMs: 60_000, askMs: 10_000 };

/** A worker that closes its link so long after its join was answered, and has sent nothing in
 *  between, did not get the answer, ms. */
const unreadWelcomeMs = 3_000;

/** What existing workers do not know, and are never sent. */
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
  /** Time to ask an existing worker about its tasks. */
  mayAsk(link: WorkerLink): void;
  closed(link: WorkerLink, reason: string): void;
  /** The round trip was measured, ms: the least of the last few. */
  measured(link: WorkerLink, rttMs: number): void;
};

export type LinkOptions = {
  readonly owner: LinkOwner;
  readonly limits: LinkLimits;
  readonly nowMs: () => number;
  readonly base?: string;
  /** Collects links that lose what is large. */
  readonly narrow?: NarrowLinks;
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
  /** It knows `taskList`. */
  readsLists = false;
  /** It sent a `node`, and so has a welcome; existing workers have neither. */
  isDescribed = false;
  /** How it reaches the coordinator, as `http://host:7070`. */
  readonly base: string;
  /** The node type that it sent; the first answer counts, null = none yet. */
  nodeType: NodeType | null = null;
  heardAtMs: number;
  /** It was closed since an answer was overdue. */
  isSilent = false;
  readonly #link: Link;
  readonly #owner: LinkOwner;
  readonly #narrow: NarrowLinks | undefined;
  readonly #limits: LinkLimits;
  readonly #nowMs: () => number;
  readonly #session: ManagerSession;
  #waiting: ManagerMessage[] = [];
  /** Of the ManagerPing that is not answered yet; 0 = none. */
  /** How busy its machine is, as it has sent over this link; null = it has not. */
  cpuShare: number | null = null;
  #pingId = 0;
  #openSinceMs: number;
  #hasSaidBye = false;
  /** When its join was answered; 0 = it was not, or something arrived since. */
  #welcomedAtMs = 0;
  readonly #roundTrips = new RoundTrips();
  #askedAtMs: number;

  constructor(link: Link, principal: Principal, options: LinkOptions) {
    this.#link = link;
    this.principal = principal;
    this.remote = link.remote;
    this.base = options.base ?? "";
    this.#owner = options.owner;
    this.#narrow = options.narrow;
    this.#limits = options.limits;
    this.#nowMs = options.nowMs;
    this.openedAtMs = this.#nowMs();
    this.heardAtMs = this.openedAtMs;
    this.#openSinceMs = this.openedAtMs;
    this.#askedAtMs = this.openedAtMs;
    const carrierIds = link.matchesAnswers === true;
    // Such a carrier may wait for a peer that has closed its connection, and comes back.
    const awayMs = carrierIds ? existingPatience.leaseMs : 0;
    const answerTimeoutMs = options.limits.answerTimeoutMs + awayMs;
    this.#session = new ManagerSession({ role: "manager", answerTimeoutMs, carrierIds });
    link.onFrame((frame) => this.#receive(frame));
    link.onClose((reason) => this.#closed(reason));
    this.#request({ kind: "nodeTypeRequest", nodeType: "manager" });
  }

  /** Queues an order; dropped while the worker is not in relation with this coordinator: the core
   *  sends it again when it joins. */
  order(message: ManagerMessage): void {
    if (this.phase !== "joined" && this.phase !== "welcoming") return;
    if (oursOnly.has(message.kind) && !this.isDescribed) return;
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
    this.#welcomedAtMs = this.#nowMs();
    this.#link.send(frame);
    this.#flush();
  }

  /** Without a relation, from now on: it may ask for one again, as on a new link. */
  reopen(): void {
    this.phase = "open";
    this.#openSinceMs = this.#nowMs();
  }

  /** How long it may be silent before it is pinged, and before it is lost, ms. */
  patience(times: LivenessOptions): { readonly quietMs: number; readonly leaseMs: number } {
    if (!this.isDescribed) return existingPatience;
    return { quietMs: quietHeartbeats * times.heartbeatMs, leaseMs: times.leaseMs };
  }

  answer(request: PeerRequest, message: ManagerMessage): void {
    if (this.phase !== "closed") this.#link.send(request.answer(message));
  }

  /** Called often: ends the link when an answer is overdue, pings a silent worker. */
  tick(atMs: number, silentMs: number): void {
    const overdue = this.#session.expired(atMs);
    if (overdue.includes(this.#pingId)) this.#pingId = 0;
    // Only silence ends the relation with an existing worker: it is asked again.
    if (overdue.length > 0 && this.isDescribed) {
      this.isSilent = true;
      if (atMs - this.heardAtMs < silentMs) this.#narrow?.note(this, "worker", atMs);
      this.close(`no answer to a request within ${this.#limits.answerTimeoutMs} ms`);
    } else if (this.phase === "open" && atMs - this.#openSinceMs > this.#limits.joinTimeoutMs) {
      if (this.nodeType !== null) this.#narrow?.note(this, "coordinator", atMs);
      this.close(`no ManagerRequest within ${this.#limits.joinTimeoutMs} ms`);
    } else if (this.phase === "joined") {
      if (!this.isDescribed && atMs - this.#askedAtMs >= existingPatience.askMs) {
        this.#askedAtMs = atMs;
        this.#owner.mayAsk(this);
      }
      if (atMs - this.heardAtMs > silentMs && this.#pingId === 0) {
        this.#pingId = this.#request({ kind: "managerPing" });
      }
      this.#flush();
    }
  }

  /** An existing worker receives a ManagerBye first: it may look for another manager. Ours take
   *  a link that closes for a break, and keep what they run for the next coordinator. */
  close(reason: string): void {
    if (this.phase === "closed") return;
    if (this.phase === "joined" && !this.isDescribed && !this.#hasSaidBye) {
      this.#hasSaidBye = true;
      this.#request({ kind: "managerBye" });
    }
    this.#link.close(reason);
    this.#closed(reason);
  }

  #receive(frame: Uint8Array): void {
    if (this.phase === "closed") return;
    this.heardAtMs = this.#nowMs();
    if (this.#welcomedAtMs > 0 && this.phase === "joined") {
      this.#welcomedAtMs = 0;
      this.#narrow?.clear(this);
    }
    this.#pingId = 0;
    this.#owner.heard(this);
    this.guarded(() => {
      for (const arrival of this.#session.receive(frame)) {
        const { kind } = arrival.message;
        if (kind === "nodeTypeRequest" || kind === "nodeTypeAnswer") {
          this.nodeType ??= arrival.message.nodeType;
        }
        if (arrival.kind === "request") this.#owner.requested(this, arrival);
        else if (arrival.kind === "misplaced") this.#link.send(arrival.refusal);
        else if (arrival.kind === "answer") {
          this.#measure(arrival.to);
          this.#answered(arrival.message);
        }
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

  #measure(id: number): void {
    const rttMs = this.#roundTrips.answered(id, this.heardAtMs);
    if (rttMs !== null && this.phase === "joined") this.#owner.measured(this, rttMs);
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

  /** Its id; 0 when it could not be sent. */
  #request(message: ManagerMessage): number {
    let sentId = 0;
    this.guarded(() => {
      const { frame, id } = this.#session.request(message, this.#nowMs());
      this.#link.send(frame);
      this.#roundTrips.sent(id, this.#nowMs());
      sentId = id;
    });
    return sentId;
  }

  #closed(reason: string): void {
    if (this.phase === "closed") return;
    const waitedMs = this.#welcomedAtMs === 0 ? 0 : this.#nowMs() - this.#welcomedAtMs;
    if (this.isDescribed && waitedMs >= unreadWelcomeMs)
      this.#narrow?.note(this, "worker", this.#nowMs());
    this.phase = "closed";
    this.#waiting = [];
    this.#owner.closed(this, reason);
  }
}
