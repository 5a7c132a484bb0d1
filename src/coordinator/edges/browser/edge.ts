/** The JobTracker of the browser protocol: gateways, with the browsers behind them as workers of
 *  the core. Their messages become events, the core's orders become tasks.
 *
 *  1. A finish is acknowledged only when it is durable; without an Ack the tab sends it again.
 *  2. A basic browser, which speaks only the base protocol, has at most one task, gets only tasks
 *     of jobs that allow it, and no other messages.
 *  3. A tab whose gateway is gone may come back through any gateway, with its credential, and keeps
 *     what it runs. */
import { assert, ClusterError } from "../../../core/error.ts";
import { type AttemptRef, idNumber, type JobId, type WorkerId } from "../../../core/ids.ts";
import { isTab, workerIds } from "../../../core/view.ts";
import type { TextLink } from "../../../link/websocket.ts";
import { decodeBrowser, encodeBrowser } from "../../../wire/browser/codec.ts";
import type { BrowserBody, Uid } from "../../../wire/browser/messages.ts";
import { printable } from "../../../wire/browser/printable.ts";
import { hexOf } from "../../../wire/hex.ts";
import type { ClusterKeys, WorkerOrder } from "../worker/orders.ts";
import { Alarm } from "./alarm.ts";
import { parseEarly } from "./claims.ts";
import { type Arrivals, enterTab, rejection, type TabJoinContext } from "./joining.ts";
import { LineLimit } from "./line-limit.ts";
import { portionsOf, taskText, taskType } from "./orders.ts";
import { bugOf, type ReportOptions, TabReports } from "./reports.ts";
import { newRun, refText, type TabRun } from "./runs.ts";
import type { Tab } from "./tab.ts";

export type TrackerOptions = Omit<ReportOptions, "over" | "isRunning"> & {
  readonly auth: TabJoinContext["auth"];
  readonly keys: ClusterKeys;
  /** See `attempt-ticket.ts`. */
  readonly ticketOf: TabJoinContext["ticketOf"];
  readonly version: string;
  /** Accept unauthenticated browsers. */
  readonly anonymous: boolean;
  /** Tabs of one owner, that is of one link, at the same time. Default 1,000. */
  readonly tabsMax?: number;
  /** How long a tab whose gateway is gone may stay away, ms. Default 120,000. */
  readonly tabLeaseMs?: number;
  /** Silence after which a gateway is pinged, ms; given up without an answer in a tenth of it.
   *  Gateways ping every 20 s. Default 60,000. */
  readonly gatewayTtlMs?: number;
  /** Interval between the notes of a tab, ms. Default 2,000. */
  readonly noteMs?: number;
  /** Called when the ticket expires. */
  readonly shut?: (ticket: string) => void;
};

export type GatewayLink = Pick<TextLink, "remote" | "send" | "close" | "receive">;

type GatewayRecord = {
  readonly link: GatewayLink;
  readonly tabs: Map<Uid, Tab>;
  /** Tabs whose joins are being logged; false = the tab has left meanwhile. */
  readonly arriving: Map<Uid, boolean>;
  /** Id of the token that the gateway presented; "" = none. */
  readonly token: string;
  heardAtMs: number;
  /** When it was pinged after a silence; null = no ping is open. */
  askedAtMs: number | null;
};
type Body<A extends BrowserBody["action"]> = Extract<BrowserBody, { action: A }>;

const tabLeaseDefaultMs = 120_000;
const gatewayTtlDefaultMs = 60_000;
const tabsDefault = 1_000;
/** Delay before an event that the log refused is posted again, ms. */
const againMs = 1_000;
const noteDefaultMs = 2_000;

export class TrackerEdge {
  readonly #options: TrackerOptions;
  readonly #gatewayTtlMs: number;
  readonly #gateways = new Set<GatewayRecord>();
  readonly #byWorker = new Map<WorkerId, { readonly tab: Tab; readonly gateway: GatewayRecord }>();
  readonly #byTicket = new Map<string, { readonly tab: Tab; readonly run: TabRun }>();
  /** Tabs without a gateway, and when they expire. */
  readonly #away = new Map<WorkerId, number>();
  readonly #arrivals: Arrivals = { byOwner: new Map(), returning: new Map() };
  readonly #reports: TabReports;
  readonly #alarm: Alarm;
  readonly #lines: LineLimit;
  #stopped = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#reports = new TabReports({
      ...options,
      print: (line) => this.#lines.print(line),
      over: (tab, run) => this.#dropRun(tab, run, "ack"),
      isRunning: (run) => !this.#stopped && this.#byTicket.get(run.ticket)?.run === run,
    });
    this.#gatewayTtlMs = options.gatewayTtlMs ?? gatewayTtlDefaultMs;
    const { loop, print, timers } = options;
    const nowMs = () => loop.steadyMs();
    this.#alarm = new Alarm({ timers, nowMs, wake: (atMs) => this.#wake(atMs) });
    this.#lines = new LineLimit({ timers, nowMs, print });
    for (const worker of workerIds(loop.state)) {
      if (isTab(loop.state, worker)) this.#awaits(worker);
    }
  }

  get tabCount(): number {
    return this.#byWorker.size;
  }

  /** A gateway has dialled, or was dialled; `token`: id of the token that it presented. */
  accept(link: GatewayLink, token = ""): void {
    if (this.#stopped) {
      link.close(1001, "the coordinator is stopping");
      return;
    }
    const heardAtMs = this.#options.loop.steadyMs();
    const since = { heardAtMs, askedAtMs: null };
    const gateway: GatewayRecord = { link, token, tabs: new Map(), arriving: new Map(), ...since };
    this.#gateways.add(gateway);
    this.#alarm.by(heardAtMs + this.#gatewayTtlMs);
    link.receive({
      said: (text) => this.#said(gateway, text),
      misspoke: (what) => link.close(1003, what),
      closed: () => this.#closed(gateway),
    });
    // The same name after a restart: tabs may keep what they hold for this cluster.
    const session = hexOf(this.#options.keys.tag);
    link.send(encodeBrowser({ action: "tracker", more: { session } }));
  }

  /** Orders for tabs; true when the worker is a tab. */
  perform(order: WorkerOrder): boolean {
    const found = this.#byWorker.get(order.worker);
    if (found === undefined) return isTab(this.#options.loop.state, order.worker);
    const { tab } = found;
    if (order.kind === "assign") this.#assign(tab, order);
    else if (order.kind === "abort") this.#abort(tab, order.attempts);
    else if (order.kind === "close-job") this.#close(tab, order.job);
    return true;
  }

  /** Reports of a run before its end; durable when it resolves. */
  async reported(ticket: string, body: Uint8Array): Promise<void> {
    const found = this.#byTicket.get(ticket);
    if (found !== undefined) await this.#reports.early(found.tab, found.run, parseEarly(body));
  }

  /** The tab and run whose data a ticket opens. */
  ticket(ticket: string): { readonly tab: Tab; readonly run: TabRun } | null {
    return this.#byTicket.get(ticket) ?? null;
  }

  /** The token is revoked: disconnects its tab, and gateways that came with it. */
  revoked(token: string): void {
    for (const gateway of this.#gateways) {
      if (gateway.token === token) gateway.link.close(1008, "the token was revoked");
    }
    const found = this.#byWorker.get(token as WorkerId);
    if (found !== undefined) this.#turnOut(found.gateway, found.tab, "its credential was revoked");
  }

  stop(): void {
    this.#stopped = true;
    this.#alarm.stop();
    this.#lines.stop();
    for (const { link } of this.#gateways) link.close(1001, "the coordinator is stopping");
  }

  #said(gateway: GatewayRecord, text: string): void {
    gateway.heardAtMs = this.#options.loop.steadyMs();
    gateway.askedAtMs = null;
    try {
      const { body, message } = decodeBrowser(text, "gateway", "tracker");
      if (message !== "") this.#lines.print(printable(`${gateway.link.remote}: ${message}`));
      this.#heard(gateway, body);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#lines.print(printable(`gateway ${gateway.link.remote}: ${error.text}`));
    }
  }

  #heard(gateway: GatewayRecord, body: BrowserBody): void {
    const tab = "uid" in body ? gateway.tabs.get(body.uid ?? "") : undefined;
    switch (body.action) {
      case "connect":
        void this.#connect(gateway, body);
        break;
      case "disconnect":
        if (tab !== undefined) this.#disconnect(gateway, tab);
        else if (gateway.arriving.has(body.uid ?? "")) gateway.arriving.set(body.uid ?? "", false);
        break;
      case "finish":
        if (tab !== undefined) this.#reports.finished(tab, body);
        tab?.hasEnded(body.tid);
        break;
      case "error":
        if (tab !== undefined) this.#reports.failed(tab, body);
        tab?.hasEnded(null);
        break;
      case "note":
        if (tab !== undefined) this.#reports.noted(tab, body);
        break;
      case "ping":
        gateway.link.send(encodeBrowser({ action: "pong", more: null }));
        break;
      default:
        break;
    }
  }

  async #connect(gateway: GatewayRecord, body: Body<"connect">): Promise<void> {
    const uid = body.uid as Uid;
    // Reported again by a gateway whose link never broke.
    if (gateway.tabs.has(uid) || gateway.arriving.has(uid)) return;
    gateway.arriving.set(uid, true);
    try {
      const { credential, tab } = await enterTab(body, this.#joinContext(gateway));
      if (tab.isBasic) return;
      const { noteMs = noteDefaultMs, version } = this.#options;
      const more = { worker: tab.worker, credential, version, noteMs };
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more }));
    } catch (error) {
      const told = error instanceof ClusterError ? error : bugOf(error);
      const { message } = told;
      const tab = gateway.tabs.get(uid);
      if (tab !== undefined) this.#disconnect(gateway, tab);
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more: {} }, { message }));
      this.#lines.print(printable(`a browser was refused: ${told === error ? told.text : error}`));
    } finally {
      gateway.arriving.delete(uid);
    }
  }

  #joinContext(gateway: GatewayRecord): TabJoinContext {
    const { anonymous, auth, keys, loop, tabsMax = tabsDefault, ticketOf } = this.#options;
    return {
      anonymous,
      tabsMax,
      auth,
      keys,
      ticketOf,
      loop,
      remote: gateway.link.remote,
      send: (text) => gateway.link.send(text),
      entered: (tab, unwanted) => this.#entered(gateway, tab, unwanted),
      arrivals: this.#arrivals,
      isLive: (worker, session) => {
        const { returning } = this.#arrivals;
        const other = this.#byWorker.get(worker)?.tab.session ?? returning.get(worker);
        return other !== undefined && other !== session;
      },
    };
  }

  /** Called before the effects of the join are performed. */
  #entered(gateway: GatewayRecord, tab: Tab, unwanted: readonly number[]): void {
    const { uid, worker } = tab;
    const before = this.#byWorker.get(worker);
    if (before !== undefined) this.#displace(before.gateway, before.tab);
    gateway.tabs.set(uid, tab);
    this.#byWorker.set(worker, { tab, gateway });
    this.#away.delete(worker);
    for (const run of tab.runs.values()) this.#byTicket.set(run.ticket, { tab, run });
    for (const tid of unwanted) tab.send(encodeBrowser({ action: "abort", uid, tid }));
    // The tab or its gateway left while the join was being logged.
    if (gateway.arriving.get(uid) === false) this.#disconnect(gateway, tab);
    else if (!this.#gateways.has(gateway)) this.#leave(gateway, tab);
  }

  /** The page has connected through another gateway, or one that had lost it has reported it again:
   *  the page is asked to connect again, over whichever link still works. */
  #displace(gateway: GatewayRecord, tab: Tab): void {
    this.#forget(gateway, tab);
    const told = { message: "unavailable: the page has another gateway now; connect again" };
    tab.send(encodeBrowser({ action: "welcome", uid: tab.uid, more: {} }, told));
  }

  #assign(tab: Tab, { attempts, job, stage }: Extract<WorkerOrder, { kind: "assign" }>): void {
    const { keys, loop, ticketOf } = this.#options;
    const kind = this.#kindOf(job, stage);
    for (const portion of portionsOf(kind, attempts, tab.isBasic ? attempts.length : tab.slots)) {
      const refs = portion.map(({ attempt, task }) => ({ job, stage, task, attempt }));
      const ticket = ticketOf(keys.exchangeSecret(job), tab.worker, refText(refs));
      const of = { tid: tab.nextTid(), type: taskType(kind), ticket, givenAtMs: loop.steadyMs() };
      const run = newRun(of, refs);
      const text = taskText(loop.state, tab, run);
      if (text === null) continue;
      tab.runs.set(run.tid, run);
      this.#byTicket.set(run.ticket, { tab, run });
      if (typeof text === "string") tab.give(run.tid, text);
      else this.#reports.refuse(tab, run, text);
    }
  }

  #kindOf(job: JobId, stage: number): "map" | "reduce" | "tasks" {
    const kind = this.#options.loop.state.jobs.get(idNumber(job))?.stages[stage]?.spec.kind;
    assert(kind !== undefined, `${job} of an assignment is there`);
    return kind;
  }

  #abort(tab: Tab, attempts: readonly AttemptRef[]): void {
    for (const { attempt, job, stage, task } of attempts) {
      for (const run of tab.runs.values()) {
        if (run.job !== job || run.stage !== stage || run.attempts.get(task) !== attempt) continue;
        run.attempts.delete(task);
        if (run.attempts.size === 0) this.#dropRun(tab, run, "abort");
      }
    }
  }

  #close(tab: Tab, job: JobId): void {
    for (const run of tab.runs.values()) {
      if (run.job === job) this.#dropRun(tab, run, "abort");
    }
  }

  /** A basic browser finishes its computation; its reports are ignored from now on. */
  #dropRun(tab: Tab, run: TabRun, told: "abort" | "ack"): void {
    tab.runs.delete(run.tid);
    this.#shut(run);
    if (!tab.isBasic) tab.send(encodeBrowser({ action: told, uid: tab.uid, tid: run.tid }));
  }

  #disconnect(gateway: GatewayRecord, tab: Tab): void {
    this.#forget(gateway, tab);
    this.#lose(tab.worker, tab.hasLeft ? "bye" : "closed");
  }

  /** Posted again soon when it cannot be written now: the disk may be full. */
  #lose(worker: WorkerId, reason: "bye" | "closed" | "silent"): void {
    this.#options.loop.post({ kind: "worker-lost", worker, reason }).catch(() => {
      if (!this.#byWorker.has(worker)) this.#awaits(worker, againMs);
    });
  }

  #turnOut(gateway: GatewayRecord, tab: Tab, why: string): void {
    const told = { message: rejection(this.#options.loop.state, tab.worker, why) };
    tab.send(encodeBrowser({ action: "welcome", uid: tab.uid, more: {} }, told));
    this.#disconnect(gateway, tab);
  }

  #forget(gateway: GatewayRecord, tab: Tab): void {
    gateway.tabs.delete(tab.uid);
    if (this.#byWorker.get(tab.worker)?.tab === tab) this.#byWorker.delete(tab.worker);
    for (const run of tab.runs.values()) this.#shut(run);
  }

  #shut(run: TabRun): void {
    const { ticket } = run;
    // The tab that came back through another gateway has the same ticket.
    if (this.#byTicket.get(ticket)?.run !== run) return;
    this.#byTicket.delete(ticket);
    this.#options.shut?.(ticket);
  }

  /** Its tabs may come back, through this gateway or another; basic browsers cannot. */
  #closed(gateway: GatewayRecord): void {
    this.#gateways.delete(gateway);
    if (this.#stopped) return;
    for (const tab of [...gateway.tabs.values()]) this.#leave(gateway, tab);
  }

  #leave(gateway: GatewayRecord, tab: Tab): void {
    if (tab.isBasic) {
      this.#disconnect(gateway, tab);
      return;
    }
    this.#forget(gateway, tab);
    this.#awaits(tab.worker);
  }

  /** It is given up unless it comes back within that time. */
  #awaits(worker: WorkerId, forMs = this.#options.tabLeaseMs ?? tabLeaseDefaultMs): void {
    const untilMs = this.#options.loop.steadyMs() + forMs;
    this.#away.set(worker, untilMs);
    this.#alarm.by(untilMs);
  }

  /** Its machine may have lost power: then no connection breaks. A gateway that was asleep together
   *  with the coordinator answers. Returns when to check again. */
  #checkSilent(gateway: GatewayRecord, nowMs: number): number {
    const answerMs = this.#gatewayTtlMs / 10;
    const { askedAtMs, heardAtMs, link } = gateway;
    if (askedAtMs === null) {
      if (nowMs - heardAtMs < this.#gatewayTtlMs) return heardAtMs + this.#gatewayTtlMs;
      gateway.askedAtMs = nowMs;
      link.send(encodeBrowser({ action: "ping" }));
      return nowMs + answerMs;
    }
    if (nowMs - askedAtMs < answerMs) return askedAtMs + answerMs;
    link.close(1008, `silent for ${Math.round((nowMs - heardAtMs) / 1000)} s`);
    this.#closed(gateway);
    return Infinity;
  }

  #wake(nowMs: number): void {
    for (const gateway of [...this.#gateways]) this.#alarm.by(this.#checkSilent(gateway, nowMs));
    for (const [worker, untilMs] of this.#away) {
      if (nowMs < untilMs) this.#alarm.by(untilMs);
      else if (this.#away.delete(worker)) this.#lose(worker, "silent");
    }
  }
}
