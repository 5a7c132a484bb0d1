/** The coordinator's edge for workers: their links and liveness; their messages become events, the
 *  core's orders become frames.
 *
 *  1. A status is acknowledged only after its event is durable; without an Ack the worker sends it
 *     again.
 *  2. A worker has one link. A second process with its id is fenced while the first one is alive.
 *  3. Messages in transit when a link breaks are not kept here: the core sends a worker that comes
 *     back everything again. */
import { ClusterError } from "../../../core/error.ts";
import type { WorkerId } from "../../../core/ids.ts";
import { absentMs, isTab, leasesOf, workerIds } from "../../../core/view.ts";
import type { Link } from "../../../link/link.ts";
import { hit } from "../../../store/failpoint.ts";
import type { WorkerNotes } from "../../../wire/manager/messages.ts";
import type { Auth, Principal } from "../../access/auth.ts";
import type { NewEvent } from "../../loop/journal.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Timers } from "../../loop/timers.ts";
import { askAbout } from "./asking.ts";
import { assignModule } from "./assigning.ts";
import { parseNotes } from "./claims.ts";
import { join, type ManagerRequest, noWelcome, refusalText } from "./joining.ts";
import { defaultLinkLimits, type LinkLimits, type PeerRequest, WorkerLink } from "./link.ts";
import { defaultLiveness, Liveness, type LivenessOptions } from "./liveness.ts";
import { NarrowLinks } from "./narrow.ts";
import { type NoteSink, passNotes } from "./note-sink.ts";
import { type ClusterKeys, orderMessages, type Speaker, type WorkerOrder } from "./orders.ts";
import type { Programs } from "./programs.ts";
import { pauseEvent, type ReportMessage, reportEvents, type StatusEvent } from "./reports.ts";
import { measuredEvent } from "./round-trips.ts";

export type WorkerEdgeOptions = {
  readonly loop: Loop;
  readonly auth: Pick<Auth, "useJoin" | "isCredentialOf" | "issueCredential">;
  readonly timers: Timers;
  readonly keys: ClusterKeys;
  readonly version: string;
  readonly notes: NoteSink;
  /** What existing workers are sent in place of jobs; absent: they are given nothing. */
  readonly programs?: Pick<Programs, "assignment">;
  /** Replaces reports whose output is not there (see `outputs.ts`); the events as they are by
   *  default. */
  readonly checked?: (event: StatusEvent) => StatusEvent | Promise<StatusEvent>;
  readonly liveness?: Partial<LivenessOptions>;
  /** Of a shared log: whether no other coordinator can lead now. Default: always. */
  readonly leads?: () => boolean;
  readonly limits?: Partial<LinkLimits>;
  readonly shuffle?: Speaker["shuffle"];
};

/** So few tasks at once are not held back for a fuller packet: a client may wait for each. */
const hurryMax = 8;

export class WorkerEdge {
  readonly narrowLinks = new NarrowLinks();
  readonly #options: WorkerEdgeOptions;
  readonly #limits: LinkLimits;
  readonly #times: LivenessOptions;
  readonly #liveness: Liveness;
  readonly #links = new Set<WorkerLink>();
  readonly #byWorker = new Map<WorkerId, WorkerLink>();
  /** Links whose orders leave at the end of this batch. */
  readonly #hurried = new Set<WorkerLink>();
  #cancelTick = () => {};
  #lastTickMs: number;
  /** The check in progress whether the log is still this coordinator's. Null = there is no reason
   *  for doubt. */
  #sure: Promise<boolean> | null = null;
  #stopped = false;

  constructor(options: WorkerEdgeOptions) {
    this.#options = options;
    this.#limits = { ...defaultLinkLimits, ...options.limits };
    this.#times = { ...defaultLiveness, ...options.liveness };
    this.#liveness = new Liveness(this.#times);
    const { loop } = options;
    // It may have been paused during its start, too.
    this.#lastTickMs = loop.startedAtMs;
    for (const worker of workerIds(loop.state)) {
      // Browsers belong to the tracker.
      if (isTab(loop.state, worker)) continue;
      this.#liveness.watch(worker, loop.steadyMs(), absentMs(loop.state, worker));
    }
    this.#tick();
  }

  /** A link whose upgrade showed a token of this principal, and asked for `base`. */
  accept(link: Link, principal: Principal, base = ""): void {
    if (this.#stopped) {
      link.close("the coordinator is stopping");
      return;
    }
    const nowMs = () => this.#options.loop.steadyMs();
    const options = { limits: this.#limits, nowMs, base, narrow: this.narrowLinks };
    this.#links.add(new WorkerLink(link, principal, { owner: this, ...options }));
  }

  perform(order: WorkerOrder): void {
    const link = this.#byWorker.get(order.worker);
    if (link === undefined) return;
    const { keys, loop, shuffle } = this.#options;
    if (order.kind === "assign" && !link.isDescribed)
      return void assignModule(link, order, this.#options);
    if (order.kind === "open-job") link.jobs.add(order.job);
    hit("edge.order", "before");
    const speaker = { keys, nowMs: loop.steadyMs(), inLists: link.readsLists, shuffle };
    for (const message of orderMessages(loop.state, order, speaker)) link.order(message);
    hit("edge.order", "after");
    if (order.kind === "assign" && order.attempts.length <= hurryMax) this.#hurry(link);
  }

  /** Orders of one batch of events leave together, before the answers to the callers that caused
   *  them. */
  #hurry(link: WorkerLink): void {
    if (this.#hurried.size === 0) {
      queueMicrotask(() => {
        for (const one of this.#hurried) one.hurry();
        this.#hurried.clear();
      });
    }
    this.#hurried.add(link);
  }

  /** How busy its machine is, 0 to 1; null = not known. */
  readonly cpuShare = (worker: WorkerId) => this.#byWorker.get(worker)?.cpuShare ?? null;

  /** The token is revoked: disconnects workers that came with it, or to which it was issued. */
  revoked(token: string): void {
    for (const link of this.#links) {
      const isMeant = link.principal.token === token || link.worker === token;
      if (isMeant) link.close("the token was revoked");
    }
  }

  /** Closes all links; the workers continue what they run, for the next coordinator. */
  stop(): void {
    this.#stopped = true;
    this.#cancelTick();
    for (const link of this.#links) link.close("the coordinator is stopping");
  }

  // Called by links.

  heard(link: WorkerLink): void {
    const { worker } = link;
    if (worker !== null && this.#byWorker.get(worker) === link) {
      this.#liveness.heard(worker, link.heardAtMs);
    }
  }

  requested(link: WorkerLink, request: PeerRequest): void {
    const { message } = request;
    if (message.kind === "nodeTypeRequest") {
      link.answer(request, { kind: "nodeTypeAnswer", nodeType: "manager" });
    } else if (message.kind === "managerRequest") {
      void this.#join(link, request, message);
    } else if (message.kind === "managerBye") {
      void this.#bye(link, request);
    } else if (link.phase !== "joined" || link.worker === null) {
      link.answer(request, { kind: "notMine" });
    } else {
      this.#fromPartner(link, request, link.worker);
    }
  }

  measured({ worker }: WorkerLink, rttMs: number): void {
    const event = measuredEvent(this.#options.loop.state, worker, rttMs);
    if (event !== null) void this.#posted(event);
  }

  told(link: WorkerLink, message: Extract<ReportMessage, { kind: "tasksPong" }>): void {
    if (link.phase === "joined" && link.worker !== null) {
      void this.#report(link, link.worker, message);
    }
  }

  mayAsk(link: WorkerLink): void {
    askAbout(link, this.#options);
  }

  closed(link: WorkerLink): void {
    this.#links.delete(link);
    const { worker } = link;
    if (worker === null || this.#byWorker.get(worker) !== link) return;
    this.#byWorker.delete(worker);
    // Closed here for its silence, it is still as silent as before.
    if (this.#stopped || link.isSilent) return;
    this.#liveness.closed(worker, this.#options.loop.steadyMs());
  }

  /** See `JoinContext`. */
  claim(link: WorkerLink, worker: WorkerId): void {
    const other = this.#byWorker.get(worker);
    // Its join became durable when another link had replaced it already.
    if (link.phase === "closed" && other !== undefined && other !== link) return;
    const isOutrun = other?.process === link.process && other.openedAtMs > link.openedAtMs;
    if (isOutrun) {
      // The worker asked over this link first, then over another, and the first was slower.
      const why = `${worker} has connected over a newer link`;
      if (link.phase === "joining") throw new ClusterError("unavailable", why);
      link.close(why);
      return;
    }
    const { leaseMs, quietMs } = link.patience(this.#times);
    const nowMs = this.#options.loop.steadyMs();
    if (other !== undefined && other !== link) {
      if (other.process !== link.process && nowMs - other.heardAtMs < quietMs) {
        throw new ClusterError(
          "fenced",
          `${worker} is in use by another process (${other.remote}); a copied data directory ` +
            "needs a join of its own: remove the worker's identity and join with a token",
        );
      }
      this.#byWorker.delete(worker);
      other.close("the worker has connected over another link");
    }
    link.worker = worker;
    this.#liveness.watch(worker, nowMs, 0, leaseMs);
    this.#liveness.heard(worker, nowMs);
    // It may have closed while the join was on its way to the disk.
    if (link.phase === "closed") this.#liveness.closed(worker, nowMs);
    else this.#byWorker.set(worker, link);
  }

  #fromPartner(link: WorkerLink, request: PeerRequest, worker: WorkerId): void {
    const { message } = request;
    switch (message.kind) {
      case "managerPing":
        this.#whenSure(() => link.answer(request, { kind: "managerPong" }));
        break;
      case "taskStatus":
      case "taskStatuses":
      case "taskResults":
        void this.#report(link, worker, message, request);
        break;
      case "workerNotes":
        void this.#note(link, request, parseNotes(message.notes));
        break;
      default:
        link.answer(request, { kind: "notMine" });
    }
  }

  async #join(link: WorkerLink, request: PeerRequest, message: ManagerRequest): Promise<void> {
    if (link.phase !== "open") {
      // In relation already, or about to be: the answer changes nothing, by the protocol's
      // document.
      const accepted = link.phase === "joined";
      link.answer(request, { kind: "managerAnswer", accepted, welcome: null });
      return;
    }
    link.phase = "joining";
    const { auth, keys, loop, version } = this.#options;
    const { heartbeatMs, leaseMs } = this.#times;
    const described = message.node !== null;
    const common = { ...noWelcome, epoch: loop.epoch, leaseMs, heartbeatMs, version };
    try {
      const { worker, credential } = await join(link, message, {
        useJoin: (principal) => auth.useJoin(principal),
        isCredentialOf: (id, text) => auth.isCredentialOf(id, text),
        issueCredential: (id, by) => auth.issueCredential(id, by),
        claim: (one, id) => this.claim(one, id),
        post: (event, answered) => loop.post(event, answered),
        tag: keys.tag,
      });
      const welcome = { ...common, workerId: worker, credential };
      const accepted = { kind: "managerAnswer", accepted: true } as const;
      hit("edge.welcome", "before");
      link.welcome(request.answer({ ...accepted, welcome: described ? welcome : null }));
      hit("edge.welcome", "after");
    } catch (error) {
      this.#turnAway(link);
      const refusal = { ...common, refusal: refusalText(error) };
      const refused = { kind: "managerAnswer", accepted: false } as const;
      link.answer(request, { ...refused, welcome: described ? refusal : null });
    }
  }

  /** The join failed: the link may ask again, and the worker that it had claimed is without a
   *  link. */
  #turnAway(link: WorkerLink): void {
    const { worker } = link;
    if (link.phase !== "closed") link.reopen();
    link.worker = null;
    if (worker === null || this.#byWorker.get(worker) !== link) return;
    this.#byWorker.delete(worker);
    this.#liveness.closed(worker, this.#options.loop.steadyMs());
  }

  async #bye(link: WorkerLink, request: PeerRequest): Promise<void> {
    const { worker } = link;
    if (link.phase === "joined" && worker !== null) {
      this.#byWorker.delete(worker);
      link.worker = null;
      link.reopen();
      const lost = { kind: "worker-lost", worker, reason: "bye" } as const;
      hit("edge.bye", "before");
      if (await this.#posted(lost)) this.#liveness.forget(worker);
      else this.#liveness.closed(worker, this.#options.loop.steadyMs());
      hit("edge.bye", "after");
    }
    link.answer(request, { kind: "ack" });
  }

  async #report(
    link: WorkerLink,
    worker: WorkerId,
    message: ReportMessage,
    request?: PeerRequest,
  ): Promise<void> {
    const { checked, keys } = this.#options;
    let events: readonly StatusEvent[] = [];
    link.guarded(() => {
      events = reportEvents(worker, message, keys.tag);
    });
    if (link.phase === "closed") return;
    const durable = await Promise.all(
      events.map((event) => this.#posted(checked?.(event) ?? event, true)),
    );
    if (request === undefined || !durable.every(Boolean)) return;
    hit("edge.ack", "before");
    link.answer(request, { kind: "ack" });
    hit("edge.ack", "after");
  }

  /** False when the event is not in the log, or cannot be made now; the caller will retry. */
  async #posted(event: NewEvent | Promise<NewEvent>, isRead = false): Promise<boolean> {
    try {
      const made = event instanceof Promise ? await event : event;
      await this.#options.loop.post(made, undefined, isRead);
      return true;
    } catch {
      return false;
    }
  }

  /** Notes count only for jobs that the worker works for: the job's owner reads their lines. */
  async #note(link: WorkerLink, request: PeerRequest, told: WorkerNotes): Promise<void> {
    const [worker, { loop, notes }] = [link.worker as WorkerId, this.#options];
    // The last lines arrive when the leases have ended; leases show only what a new link runs.
    passNotes(told, link, leasesOf(loop.state, worker), notes);
    const acknowledge = () => link.answer(request, { kind: "ack" });
    if (told.paused === undefined) this.#whenSure(acknowledge);
    else if (await this.#posted(pauseEvent(worker, told))) acknowledge();
  }

  #tick(): void {
    const { loop, timers } = this.#options;
    if (this.#stopped) return;
    const atMs = loop.steadyMs();
    const { tickMs } = this.#times;
    const paused = this.#isLate();
    // After a pause of this process, answers that arrived meanwhile have not been read yet.
    if (paused) this.#makeSure();
    this.#lastTickMs = atMs;
    for (const link of this.#links) {
      if (!paused) link.tick(atMs, link.patience(this.#times).quietMs);
    }
    for (const loss of this.#liveness.due(atMs)) void this.#lost(loss.worker, loss.reason);
    this.#cancelTick = timers.after(tickMs, () => this.#tick());
  }

  #isLate(): boolean {
    const { heartbeatMs, tickMs } = this.#times;
    return this.#options.loop.steadyMs() - this.#lastTickMs > tickMs + heartbeatMs;
  }

  /** After a pause another coordinator may have the log: a write to it shows that. */
  #makeSure(): void {
    this.#sure ??= this.#posted({ kind: "time-passed" }).finally(() => {
      this.#sure = null;
    });
  }

  /** Whether this coordinator still owns the log, and its state is complete. */
  ownsLog(): true | Promise<boolean> {
    if (this.#isLate() || this.#options.leads?.() === false) this.#makeSure();
    return this.#sure ?? true;
  }

  /** An answer renews a worker's lease, which a replaced coordinator must not do. */
  #whenSure(answer: () => void): void {
    const ownsLog = this.ownsLog();
    if (ownsLog === true) answer();
    else void ownsLog.then((still) => still && answer());
  }

  async #lost(worker: WorkerId, reason: "silent" | "closed"): Promise<void> {
    const link = this.#byWorker.get(worker);
    link?.close(`silent for ${link.patience(this.#times).leaseMs} ms`);
    hit("edge.lost", "before");
    if (await this.#posted({ kind: "worker-lost", worker, reason })) {
      hit("edge.lost", "after");
      this.#liveness.declared(worker);
    } else {
      this.#liveness.tellAgain(worker);
    }
  }
}
