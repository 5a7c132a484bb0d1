/** The JobTracker of seed 5: gateways, the browsers behind them as workers of the core, their words
 *  as events, orders as tasks.
 *
 *  1. A finish is acknowledged only after its event is durable; without, the tab says it again.
 *  2. A browser that speaks the document only has at most one task, gets only tasks of jobs that
 *     allow it, and is told nothing else.
 *  3. A tab whose gateway is gone may come back by any gateway, with its credential, and keeps what
 *     it runs. */
import { assert, ClusterError } from "../../core/error.ts";
import type { AttemptReport } from "../../core/event.ts";
import { type AttemptRef, idNumber, type JobId, type WorkerId } from "../../core/ids.ts";
import { isTab, workerIds } from "../../core/view.ts";
import type { TextLink } from "../../link/websocket.ts";
import { decodeBrowser, encodeBrowser } from "../../wire/browser/codec.ts";
import type { BrowserBody, Uid } from "../../wire/browser/messages.ts";
import { printable } from "../../wire/browser/printable.ts";
import type { Auth } from "../access/auth.ts";
import type { NewEvent } from "../journal.ts";
import type { Loop } from "../run.ts";
import type { Timers } from "../timers.ts";
import type { NoteSink } from "../worker-edge.ts";
import type { ClusterKeys, WorkerOrder } from "../workers/orders.ts";
import type { StatusEvent } from "../workers/reports.ts";
import { portionsOf, taskText, taskType, ticketOf } from "./assignments.ts";
import { parseError, parseFinish, parseNote } from "./claims.ts";
import { enterTab, type TabDoor } from "./joining.ts";
import { refsOf, refText, type TabRun } from "./runs.ts";
import type { Tab } from "./tab.ts";

export type TrackerOptions = {
  readonly loop: Loop;
  readonly auth: Auth;
  readonly timers: Timers;
  readonly keys: ClusterKeys;
  readonly version: string;
  readonly notes: NoteSink;
  /** Replaces reports whose output is not there. */
  readonly checked: (event: StatusEvent) => StatusEvent | Promise<StatusEvent>;
  /** What the run of a browser that speaks the document only has left at its addresses. */
  readonly collect: (run: TabRun, urls: readonly string[]) => Promise<AttemptReport>;
  /** Take browsers that show no token. */
  readonly anonymous: boolean;
  /** How long a tab whose gateway is gone may stay away, ms. Default 120,000. */
  readonly tabLeaseMs?: number;
  /** One line for people. */
  readonly print: (line: string) => void;
};

export type GatewayLink = Pick<TextLink, "remote" | "send" | "close" | "receive">;

type GatewayRecord = { readonly link: GatewayLink; readonly tabs: Map<Uid, Tab> };
type Body<A extends BrowserBody["action"]> = Extract<BrowserBody, { action: A }>;

const tabLeaseDefaultMs = 120_000;
const tickMs = 1_000;
/** Between two notes of a tab, ms. */
export const noteMs = 2_000;

export class TrackerEdge {
  readonly #options: TrackerOptions;
  readonly #tabLeaseMs: number;
  readonly #gateways = new Set<GatewayRecord>();
  readonly #byWorker = new Map<WorkerId, { readonly tab: Tab; readonly gateway: GatewayRecord }>();
  readonly #byTicket = new Map<string, { readonly tab: Tab; readonly run: TabRun }>();
  /** Tabs without a gateway, and when they are given up. */
  readonly #away = new Map<WorkerId, number>();
  #cancelTick = () => {};
  #stopped = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
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
    const gateway: GatewayRecord = { link, tabs: new Map() };
    this.#gateways.add(gateway);
    link.receive({
      said: (text) => this.#said(gateway, text),
      misspoke: (what) => link.close(1003, what),
      closed: () => this.#closed(gateway),
    });
    // The same name after a restart: what tabs hold for this cluster is still wanted.
    const session = Buffer.from(this.#options.keys.tag).toString("hex");
    link.send(encodeBrowser({ action: "tracker", more: { session } }));
  }

  /** Orders for tabs; true when the worker is one. */
  perform(order: WorkerOrder): boolean {
    const found = this.#byWorker.get(order.worker);
    if (found === undefined) return isTab(this.#options.loop.state, order.worker);
    const { gateway, tab } = found;
    if (order.kind === "open-job") tab.jobs.add(order.job);
    else if (order.kind === "assign") this.#assign(gateway, tab, order);
    else if (order.kind === "abort") this.#abort(gateway, tab, order.attempts);
    else if (order.kind === "close-job") this.#close(gateway, tab, order.job);
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
    switch (body.action) {
      case "connect":
        void this.#connect(gateway, body);
        break;
      case "disconnect":
        this.#disconnect(gateway, body.uid);
        break;
      case "finish":
        this.#finish(gateway, body);
        break;
      case "error":
        this.#error(gateway, body);
        break;
      case "note":
        this.#note(gateway, body);
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
    const known = gateway.tabs.get(uid);
    // Told again by a gateway whose link to us never broke.
    if (known !== undefined) return;
    try {
      const { credential, tab } = await enterTab(body, this.#door(gateway));
      for (const run of tab.runs.values()) this.#byTicket.set(run.ticket, { tab, run });
      if (!tab.isOurs) return;
      const { version } = this.#options;
      const more = { worker: tab.worker, credential, version, noteMs };
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more }));
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const told = { message: error.message };
      gateway.link.send(encodeBrowser({ action: "welcome", uid, more: {} }, told));
      this.#options.print(printable(`a browser is not taken: ${error.text}`));
    }
  }

  #door(gateway: GatewayRecord): TabDoor {
    const { anonymous, auth, keys, loop } = this.#options;
    return {
      anonymous,
      auth,
      keys,
      loop,
      remote: gateway.link.remote,
      // Before the effects of the join are performed.
      entered: (tab) => {
        gateway.tabs.set(tab.uid, tab);
        const before = this.#byWorker.get(tab.worker);
        if (before !== undefined) {
          before.gateway.tabs.delete(before.tab.uid);
          for (const run of before.tab.runs.values()) this.#byTicket.delete(run.ticket);
        }
        this.#byWorker.set(tab.worker, { tab, gateway });
        this.#away.delete(tab.worker);
      },
      isLive: (worker, session) => {
        const other = this.#byWorker.get(worker)?.tab;
        return other !== undefined && other.session !== session;
      },
    };
  }

  #assign(
    gateway: GatewayRecord,
    tab: Tab,
    { attempts, job, stage }: Extract<WorkerOrder, { kind: "assign" }>,
  ): void {
    const { keys, loop } = this.#options;
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
        ending: false,
      };
      const text = taskText(loop.state, tab, run);
      if (text === null) continue;
      tab.runs.set(run.tid, run);
      this.#byTicket.set(run.ticket, { tab, run });
      gateway.link.send(text);
    }
  }

  #kindOf(job: JobId, stage: number): "map" | "reduce" | "tasks" {
    const kind = this.#options.loop.state.jobs.get(idNumber(job))?.stages[stage]?.spec.kind;
    assert(kind !== undefined, `${job} of an assignment is there`);
    return kind;
  }

  #abort(gateway: GatewayRecord, tab: Tab, attempts: readonly AttemptRef[]): void {
    for (const { attempt, job, stage, task } of attempts) {
      for (const run of tab.runs.values()) {
        if (run.job !== job || run.stage !== stage || run.attempts.get(task) !== attempt) continue;
        run.attempts.delete(task);
        if (run.attempts.size === 0) this.#dropRun(gateway, tab, run, "abort");
      }
    }
  }

  #close(gateway: GatewayRecord, tab: Tab, job: JobId): void {
    for (const run of tab.runs.values()) {
      if (run.job === job) this.#dropRun(gateway, tab, run, "abort");
    }
    tab.jobs.delete(job);
  }

  /** A browser that speaks the document only computes on; what it says then is of no interest. */
  #dropRun(gateway: GatewayRecord, tab: Tab, run: TabRun, told: "abort" | "ack"): void {
    tab.runs.delete(run.tid);
    this.#byTicket.delete(run.ticket);
    if (!tab.isOurs) return;
    gateway.link.send(encodeBrowser({ action: told, uid: tab.uid, tid: run.tid }));
  }

  #finish(gateway: GatewayRecord, body: Body<"finish">): void {
    const tab = gateway.tabs.get(body.uid as Uid);
    const run = tab?.runs.get(body.tid);
    if (tab === undefined) return;
    if (run === undefined || run.type !== body.type) {
      // Late: the attempt was taken from it, or this is said again.
      if (tab.isOurs) {
        gateway.link.send(encodeBrowser({ action: "ack", uid: tab.uid, tid: body.tid }));
      }
      return;
    }
    const place = `/t/${run.ticket}/`;
    const foreign = body.url.find((url) => !pathOf(url).startsWith(place));
    if (foreign !== undefined) {
      const message = `it names a result at ${printable(foreign, 100)}, not where it was told to put it`;
      this.#fail(gateway, tab, run, { code: "user-error", message });
      return;
    }
    void this.#end(gateway, tab, run, async () =>
      body.more === null
        ? [await this.#options.collect(run, body.url.map(pathOf))]
        : parseFinish(body.more),
    );
  }

  #error(gateway: GatewayRecord, body: Body<"error">): void {
    const tab = gateway.tabs.get(body.uid as Uid);
    if (tab === undefined) return;
    const told = body.more === null ? null : parseError(body.more);
    const message = body.error.slice(0, 4_000);
    for (const run of [...tab.runs.values()]) {
      if (told !== null && told.tid !== run.tid) continue;
      const failure = told?.failure ?? ({ code: "user-error", message } as const);
      this.#fail(gateway, tab, run, failure, told?.lostTasks);
    }
  }

  #fail(
    gateway: GatewayRecord,
    tab: Tab,
    run: TabRun,
    failure: Extract<AttemptReport, { kind: "failed" }>["failure"],
    lostTasks?: readonly number[],
  ): void {
    const lost = lostTasks === undefined ? {} : { lostTasks };
    void this.#end(gateway, tab, run, async () =>
      refsOf(run).map(({ attempt, task }) => {
        return { kind: "failed", task, attempt, durationMs: 0, failure, ...lost };
      }),
    );
  }

  /** Reports a run durably, then acknowledges it. What it did not report is given back. */
  async #end(
    gateway: GatewayRecord,
    tab: Tab,
    run: TabRun,
    reportsOf: () => Promise<readonly AttemptReport[]>,
  ): Promise<void> {
    if (run.ending) return;
    run.ending = true;
    try {
      const told = (await reportsOf()).filter((one) => run.attempts.get(one.task) === one.attempt);
      const missing = refsOf(run).filter(({ task }) => !told.some((one) => one.task === task));
      const reports = [
        ...told,
        ...missing.map(({ attempt, task }): AttemptReport => {
          return { kind: "returned", task, attempt, durationMs: 0 };
        }),
      ];
      const { job, stage } = run;
      const event = { kind: "attempts-reported", worker: tab.worker, job, stage, reports } as const;
      await this.#options.loop.post(await this.#options.checked(event));
      for (const { task } of reports) this.#options.notes.ended(job, { stage, task });
      this.#dropRun(gateway, tab, run, "ack");
    } catch (error) {
      // Not durable, or not understood: the tab says it again, or is asked by another message.
      run.ending = false;
      const text = error instanceof ClusterError ? error.text : String(error);
      this.#options.print(printable(`${tab.worker}: ${text}`));
      if (error instanceof ClusterError && !error.retryable && error.code !== "storage-full") {
        this.#fail(gateway, tab, run, { code: "task-crashed", message: error.text });
      }
    }
  }

  #note(gateway: GatewayRecord, { more, uid }: Body<"note">): void {
    const tab = gateway.tabs.get(uid);
    if (tab === undefined) return;
    const { logs, paused, progress, started } = parseNote(more);
    const { notes } = this.#options;
    for (const [tid, task, line] of logs) {
      const run = tab.runs.get(tid);
      if (run !== undefined) notes.logged(run.job, { stage: run.stage, task }, line);
    }
    for (const [tid, task, inputBytes] of progress) {
      const run = tab.runs.get(tid);
      if (run !== undefined) notes.progressed(run.job, { stage: run.stage, task }, inputBytes);
    }
    const attempts = started.flatMap((tid) => {
      const run = tab.runs.get(tid);
      return run === undefined ? [] : refsOf(run);
    });
    const { worker } = tab;
    if (attempts.length > 0) this.#post({ kind: "attempts-started", worker, attempts });
    if (paused !== tab.paused) {
      tab.paused = paused;
      this.#post(
        paused === ""
          ? { kind: "worker-resumed", worker }
          : { kind: "worker-paused", worker, reason: printable(paused, 200) },
      );
    }
  }

  #disconnect(gateway: GatewayRecord, uid: Uid): void {
    const tab = gateway.tabs.get(uid);
    if (tab === undefined) return;
    this.#forget(gateway, tab);
    this.#post({ kind: "worker-lost", worker: tab.worker, reason: "closed" });
  }

  #turnOut(gateway: GatewayRecord, tab: Tab, why: string): void {
    const told = { message: `unauthenticated: ${why}` };
    gateway.link.send(encodeBrowser({ action: "welcome", uid: tab.uid, more: {} }, told));
    this.#disconnect(gateway, tab.uid);
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
    for (const tab of [...gateway.tabs.values()]) {
      if (!tab.isOurs) {
        this.#disconnect(gateway, tab.uid);
        continue;
      }
      this.#forget(gateway, tab);
      this.#away.set(tab.worker, this.#options.loop.nowMs() + this.#tabLeaseMs);
    }
  }

  #tick(): void {
    const { loop, timers } = this.#options;
    if (this.#stopped) return;
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

/** Of an address that may be whole or relative. */
function pathOf(url: string): string {
  return URL.parse(url, "http://gateway")?.pathname ?? "";
}
