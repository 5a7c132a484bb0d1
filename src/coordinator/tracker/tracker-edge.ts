/** The JobTracker of seed 5: gateways, the browsers behind them as workers of the core, their words
 *  as events, orders as tasks.
 *
 *  1. A finish is acknowledged only after its event is durable; without, the tab says it again.
 *  2. A browser that speaks the document only has at most one task, gets only tasks of jobs that
 *     allow it, and is told nothing else.
 *  3. A tab whose gateway is gone may come back by any gateway, with its credential, and keeps what
 *     it runs. */
import { assert, ClusterError } from "../../core/error.ts";
import { type AttemptRef, idNumber, type JobId, type WorkerId } from "../../core/ids.ts";
import { isTab, workerIds } from "../../core/view.ts";
import type { TextLink } from "../../link/websocket.ts";
import { decodeBrowser, encodeBrowser } from "../../wire/browser/codec.ts";
import type { BrowserBody, Uid } from "../../wire/browser/messages.ts";
import { printable } from "../../wire/browser/printable.ts";
import type { NewEvent } from "../journal.ts";
import type { Timers } from "../timers.ts";
import type { ClusterKeys, WorkerOrder } from "../workers/orders.ts";
import { portionsOf, taskText, taskType } from "./assignments.ts";
import { enterTab, type TabDoor } from "./joining.ts";
import { type ReportOptions, TabReports } from "./reports.ts";
import { refText, type TabRun } from "./runs.ts";
import type { Tab } from "./tab.ts";

export type TrackerOptions = Omit<ReportOptions, "over"> & {
  readonly auth: TabDoor["auth"];
  readonly timers: Timers;
  readonly keys: ClusterKeys;
  /** See `attempt-ticket.ts`. */
  readonly ticketOf: TabDoor["ticketOf"];
  readonly version: string;
  /** Take browsers that show no token. */
  readonly anonymous: boolean;
  /** Tabs of one owner, that is of one link, at the same time. Default 1,000. */
  readonly tabsMax?: number;
  /** How long a tab whose gateway is gone may stay away, ms. Default 120,000. */
  readonly tabLeaseMs?: number;
  /** Silence after which a gateway is asked, and given up when it does not answer for a tenth of
   *  it, ms; gateways ping every 20 s. Default 60,000. */
  readonly gatewayTtlMs?: number;
  /** Between two notes of a tab, ms. Default 2,000. */
  readonly noteMs?: number;
};

export type GatewayLink = Pick<TextLink, "remote" | "send" | "close" | "receive">;

type GatewayRecord = {
  readonly link: GatewayLink;
  readonly tabs: Map<Uid, Tab>;
  heardAtMs: number;
  /** It was silent, and was asked then; null = it need not be. */
  askedAtMs: number | null;
  /** Their joins are on their way to the log. */
  readonly joining: Set<Uid>;
};
type Body<A extends BrowserBody["action"]> = Extract<BrowserBody, { action: A }>;

const tabLeaseDefaultMs = 120_000;
const gatewayTtlDefaultMs = 60_000;
const tabsDefault = 1_000;
const tickMs = 1_000;
const noteDefaultMs = 2_000;

export class TrackerEdge {
  readonly #options: TrackerOptions;
  readonly #tabLeaseMs: number;
  readonly #gateways = new Set<GatewayRecord>();
  readonly #byWorker = new Map<WorkerId, { readonly tab: Tab; readonly gateway: GatewayRecord }>();
  readonly #byTicket = new Map<string, { readonly tab: Tab; readonly run: TabRun }>();
  /** Tabs without a gateway, and when they are given up. */
  readonly #away = new Map<WorkerId, number>();
  readonly #reports: TabReports;
  #cancelTick = () => {};
  #stopped = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#reports = new TabReports({
      ...options,
      over: (tab, run) => this.#dropRun(tab, run, "ack"),
    });
    this.#tabLeaseMs = options.tabLeaseMs ?? tabLeaseDefaultMs;
    const { loop } = options;
    for (const worker of workerIds(loop.state)) {
      if (isTab(loop.state, worker)) this.#away.set(worker, loop.nowMs() + this.#tabLeaseMs);
    }
    this.#tick();
  }

  get tabCount(): number {
    return this.#byWorker.size;
  }

  /** A gateway has dialled, or was dialled. */
  accept(link: GatewayLink): void {
    if (this.#stopped) {
      link.close(1001, "the coordinator is stopping");
      return;
    }
    const heardAtMs = this.#options.loop.nowMs();
    const gateway: GatewayRecord = {
      link,
      tabs: new Map(),
      joining: new Set(),
      heardAtMs,
      askedAtMs: null,
    };
    this.#gateways.add(gateway);
    link.receive({
      said: (text) => this.#said(gateway, text),
      misspoke: (what) => link.close(1003, what),
      closed: () => this.#closed(gateway),
    });
    // The same name after a restart: what tabs hold for this cluster is still wanted.
    const hex = [...this.#options.keys.tag].map((byte) => byte.toString(16).padStart(2, "0"));
    const session = hex.join("");
    link.send(encodeBrowser({ action: "tracker", more: { session } }));
  }

  /** Orders for tabs; true when the worker is one. */
  perform(order: WorkerOrder): boolean {
    const found = this.#byWorker.get(order.worker);
    if (found === undefined) return isTab(this.#options.loop.state, order.worker);
    const { tab } = found;
    if (order.kind === "assign") this.#assign(tab, order);
    else if (order.kind === "abort") this.#abort(tab, order.attempts);
    else if (order.kind === "close-job") this.#close(tab, order.job);
    return true;
  }

  /** Whose data a ticket opens. */
  ticket(ticket: string): { readonly tab: Tab; readonly run: TabRun } | null {
    return this.#byTicket.get(ticket) ?? null;
  }

  /** The token is revoked: tabs that came with it, or got it, are out now. */
  revoked(token: string): void {
    const found = this.#byWorker.get(token as WorkerId);
    if (found !== undefined) this.#turnOut(found.gateway, found.tab, "its credential was revoked");
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTick();
    for (const { link } of this.#gateways) link.close(1001, "the coordinator is stopping");
  }

  #said(gateway: GatewayRecord, text: string): void {
    gateway.heardAtMs = this.#options.loop.nowMs();
    gateway.askedAtMs = null;
    try {
      const { body, message } = decodeBrowser(text, "gateway", "tracker");
      if (message !== "") this.#options.print(printable(`${gateway.link.remote}: ${message}`));
      this.#heard(gateway, body);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#options.print(printable(`gateway ${gateway.link.remote}: ${error.text}`));
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
        else gateway.joining.delete(body.uid ?? "");
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
    // Told again by a gateway whose link to us never broke.
    if (gateway.tabs.has(uid) || gateway.joining.has(uid)) return;
    gateway.joining.add(uid);
    try {
      const { credential, tab } = await enterTab(body, this.#door(gateway));
      for (const run of tab.runs.values()) this.#byTicket.set(run.ticket, { tab, run });
      if (!tab.isOurs) return;
      const { noteMs = noteDefaultMs, version } = this.#options;
      const more = { worker: tab.worker, credential, version, noteMs };
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more }));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const told = { message: error.message };
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more: {} }, told));
      this.#options.print(printable(`a browser is not taken: ${error.text}`));
    } finally {
      gateway.joining.delete(uid);
    }
  }

  #door(gateway: GatewayRecord): TabDoor {
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
      // Before the effects of the join are performed.
      entered: (tab) => this.#enter(gateway, tab),
      isLive: (worker, session) => {
        const other = this.#byWorker.get(worker)?.tab;
        return other !== undefined && other.session !== session;
      },
    };
  }

  #enter(gateway: GatewayRecord, tab: Tab): void {
    const before = this.#byWorker.get(tab.worker);
    if (before !== undefined) this.#displace(before);
    this.#byWorker.set(tab.worker, { tab, gateway });
    this.#away.delete(tab.worker);
    if (!this.#gateways.has(gateway)) {
      // The gateway has gone while the join was on its way to the disk …
      this.#leave(gateway, tab);
    } else if (!gateway.joining.has(tab.uid)) {
      // … or the browser.
      this.#disconnect(gateway, tab);
    } else gateway.tabs.set(tab.uid, tab);
  }

  /** The page has come by another gateway, or one that lost it told of it again: whichever of the
   *  two it is that lives, it comes again. */
  #displace({ gateway, tab }: { readonly gateway: GatewayRecord; readonly tab: Tab }): void {
    gateway.tabs.delete(tab.uid);
    for (const run of tab.runs.values()) this.#byTicket.delete(run.ticket);
    const told = { message: "unavailable: this page has come by another gateway; come again" };
    tab.send(encodeBrowser({ action: "welcome", uid: tab.uid, more: {} }, told));
  }

  #assign(tab: Tab, { attempts, job, stage }: Extract<WorkerOrder, { kind: "assign" }>): void {
    const { keys, loop, ticketOf } = this.#options;
    const kind = this.#kindOf(job, stage);
    for (const portion of portionsOf(kind, attempts, tab.isOurs ? tab.slots : attempts.length)) {
      const refs = portion.map(({ attempt, task }) => ({ job, stage, task, attempt }));
      const run: TabRun = {
        tid: tab.nextTid(),
        type: taskType(kind),
        job,
        stage,
        attempts: new Map(portion.map(({ attempt, task }) => [task, attempt])),
        ticket: ticketOf(keys.exchangeSecret(job), tab.worker, refText(refs)),
        givenAtMs: loop.nowMs(),
        missed: new Set(),
        ending: false,
      };
      const text = taskText(loop.state, tab, run);
      if (text === null) continue;
      tab.runs.set(run.tid, run);
      this.#byTicket.set(run.ticket, { tab, run });
      tab.give(run.tid, text);
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

  /** A browser that speaks the document only computes on; what it says then is of no interest. */
  #dropRun(tab: Tab, run: TabRun, told: "abort" | "ack"): void {
    tab.runs.delete(run.tid);
    this.#byTicket.delete(run.ticket);
    if (tab.isOurs) tab.send(encodeBrowser({ action: told, uid: tab.uid, tid: run.tid }));
  }

  #disconnect(gateway: GatewayRecord, tab: Tab): void {
    this.#forget(gateway, tab);
    this.#post({ kind: "worker-lost", worker: tab.worker, reason: "closed" });
  }

  #turnOut(gateway: GatewayRecord, tab: Tab, why: string): void {
    const told = { message: `unauthenticated: ${why}` };
    tab.send(encodeBrowser({ action: "welcome", uid: tab.uid, more: {} }, told));
    this.#disconnect(gateway, tab);
  }

  #forget(gateway: GatewayRecord, tab: Tab): void {
    gateway.tabs.delete(tab.uid);
    if (this.#byWorker.get(tab.worker)?.tab === tab) this.#byWorker.delete(tab.worker);
    for (const run of tab.runs.values()) this.#byTicket.delete(run.ticket);
  }

  /** Its tabs may come back, by this gateway or another; browsers of the document cannot. */
  #closed(gateway: GatewayRecord): void {
    this.#gateways.delete(gateway);
    if (this.#stopped) return;
    for (const tab of [...gateway.tabs.values()]) this.#leave(gateway, tab);
  }

  #leave(gateway: GatewayRecord, tab: Tab): void {
    if (!tab.isOurs) {
      this.#disconnect(gateway, tab);
      return;
    }
    this.#forget(gateway, tab);
    this.#away.set(tab.worker, this.#options.loop.nowMs() + this.#tabLeaseMs);
  }

  /** Its machine may have lost its power: no connection breaks then. One that was asleep together
   *  with us answers. */
  #checkSilent(gateway: GatewayRecord, nowMs: number): void {
    const { gatewayTtlMs = gatewayTtlDefaultMs } = this.#options;
    const { askedAtMs, heardAtMs, link } = gateway;
    if (askedAtMs !== null) {
      if (nowMs - askedAtMs < gatewayTtlMs / 10) return;
      link.close(1008, `silent for ${Math.round((nowMs - heardAtMs) / 1000)} s`);
      this.#closed(gateway);
    } else if (nowMs - heardAtMs >= gatewayTtlMs) {
      gateway.askedAtMs = nowMs;
      link.send(encodeBrowser({ action: "ping" }));
    }
  }

  #tick(): void {
    const { loop, timers } = this.#options;
    if (this.#stopped) return;
    for (const gateway of [...this.#gateways]) this.#checkSilent(gateway, loop.nowMs());
    for (const [worker, untilMs] of this.#away) {
      if (loop.nowMs() < untilMs) continue;
      this.#away.delete(worker);
      this.#post({ kind: "worker-lost", worker, reason: "silent" });
    }
    this.#cancelTick = timers.after(tickMs, () => this.#tick());
  }

  /** What cannot be written now is found out again: by the next note, or the next start. */
  #post(event: NewEvent): void {
    this.#options.loop.post(event).catch(() => {});
  }
}
