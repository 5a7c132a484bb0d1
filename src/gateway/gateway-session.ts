/** The gateway's decisions (WebServer in the browser protocol): what is sent to which connection.
 *  Pure: connections are numbers, time is an argument, orders are returned.
 *
 *  1. There is at most one tracker. A tracker that comes later receives the list of connected
 *     browsers; a basic browser is included once it has finished its tasks of an earlier tracker.
 *  2. A browser never sees a uid. A tracker is informed of a browser once it has connected, and
 *     once when it is gone.
 *  3. What a browser finishes while there is no tracker is kept for the same tracker only. */
import { assert, ClusterError } from "../core/error.ts";
import { closeCodes } from "../link/close-reason.ts";
import { decodeBrowser, encodeBrowser } from "../wire/browser/codec.ts";
import { mustBeLegal } from "../wire/browser/legality.ts";
import type { BrowserBody, BrowserMessage, Uid } from "../wire/browser/messages.ts";
import { sendable } from "../wire/browser/size.ts";
import {
  badMessage,
  type Caller,
  type Connection,
  checkHello,
  endedTid,
  mayTalk,
  newConnection,
  overdue,
  speakerOf,
  stateOf,
} from "./connection.ts";
import type { GatewayOrder, GatewaySessionOptions } from "./options.ts";
import { OutgoingQueue } from "./outgoing-queue.ts";
import {
  compareHeld,
  dropEnded,
  endTask,
  goodbyeOf,
  introduction,
  isBusy,
  isSameWorker,
  keepEnded,
  newTab,
  placed,
  refusalOf,
  sessionOf,
  type Tab,
  taskOf,
  tooMuchWaits,
  welcomed,
} from "./tab.ts";

type Body<A extends BrowserBody["action"]> = Extract<BrowserBody, { action: A }>;
type Told = Extract<BrowserBody, { action: "finish" | "error" }>;

export class GatewaySession {
  readonly #limits: GatewaySessionOptions["limits"];
  readonly #door: GatewaySessionOptions["door"];
  readonly #connections = new Map<number, Connection>();
  readonly #tabs = new Map<Uid, Tab>();
  /** Tabs that may come back, by session. */
  readonly #sessions = new Map<string, Tab>();
  readonly #waiting = { chars: 0 };
  #tracker: number | null = null;
  /** Session of the newest tracker; "" = it has none, null = there was no tracker yet. */
  #trackerSession: string | null = null;
  #lastUid: bigint;
  readonly #out: OutgoingQueue;

  constructor(options: GatewaySessionOptions) {
    this.#limits = options.limits;
    this.#out = new OutgoingQueue(options.limits.protocolErrorsMax);
    this.#door = options.door;
    this.#lastUid = options.firstUid;
  }

  get tabCount(): number {
    return this.#tabs.size;
  }

  get hasTracker(): boolean {
    return this.#tracker !== null;
  }

  opened(id: number, caller: Caller, atMs: number): GatewayOrder[] {
    assert(!this.#connections.has(id), `connection ${id} opens once`);
    this.#connections.set(id, newConnection(id, caller, this.#limits, atMs));
    return this.#out.take();
  }

  /** A text frame was received. */
  said(id: number, text: string, atMs: number): GatewayOrder[] {
    const connection = this.#connections.get(id);
    if (connection === undefined) return [];
    connection.heardAtMs = atMs;
    if (!mayTalk(connection, this.#limits, atMs)) {
      this.#out.close(id, 1008, "too many messages");
      return this.#out.take();
    }
    try {
      checkHello(connection, text, this.#limits);
      const message = decodeBrowser(text, speakerOf(connection, text), "gateway");
      this.#out.printMessage(connection.caller.remote, message);
      this.#heard(id, connection, message, atMs);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#out.protocolError(id, connection, error.text, endedTid(text));
    }
    return this.#out.take();
  }

  /** A frame that is no text. */
  misspoke(id: number, what: string): GatewayOrder[] {
    const connection = this.#connections.get(id);
    if (connection === undefined) return [];
    this.#out.print(`${connection.caller.remote}: ${what}`);
    this.#out.close(id, closeCodes.wrongKind, what);
    return this.#out.take();
  }

  closed(id: number, atMs: number): GatewayOrder[] {
    const connection = this.#connections.get(id);
    if (connection === undefined) return [];
    this.#connections.delete(id);
    if (this.#tracker === id) this.#tracker = null;
    const { tab } = connection;
    if (tab !== null && tab.connection === id) {
      tab.connection = null;
      tab.awaySinceMs = atMs;
      if (tab.session === "") this.#lose(tab);
    }
    return this.#out.take();
  }

  /** The page of the session is closed. Its own goodbye may come before, after or not at all. */
  left(session: string): GatewayOrder[] {
    const tab = this.#sessions.get(session);
    if (tab === undefined) return [];
    if (this.#trackerSession !== "") this.#toTracker(goodbyeOf(tab));
    this.#detach(tab, "its page is closed");
    this.#lose(tab);
    return this.#out.take();
  }

  /** To be called about once a second. */
  tick(atMs: number): GatewayOrder[] {
    const { pingMs, resumeMs } = this.#limits;
    for (const [id, connection] of this.#connections) {
      const why = overdue(connection, this.#limits, atMs);
      if (why !== null) this.#out.close(id, 1008, why);
      else if (connection.role !== "unknown" && atMs >= connection.nextPingMs) {
        connection.nextPingMs = atMs + pingMs;
        this.#out.send(id, { action: "ping" });
      }
    }
    for (const tab of this.#sessions.values()) {
      if (tab.connection === null && atMs - tab.awaySinceMs >= resumeMs) this.#lose(tab);
    }
    return this.#out.take();
  }

  #heard(id: number, connection: Connection, message: BrowserMessage, atMs: number): void {
    const { body } = message;
    mustBeLegal(body.action, stateOf(connection));
    switch (body.action) {
      case "ping":
        connection.answersPings = true;
        this.#out.send(id, { action: "pong", more: null });
        break;
      case "pong":
        connection.answersPings = true;
        this.#note(connection, body);
        break;
      case "connect":
        this.#connect(id, connection, body);
        break;
      case "finish":
      case "error":
        if (connection.tab !== null) this.#ended(connection.tab, body);
        break;
      case "disconnect":
        if (connection.tab !== null) this.#lose(connection.tab);
        connection.tab = null;
        break;
      case "tracker":
        this.#becomeTracker(id, connection, body, atMs);
        break;
      case "task":
        this.#assign(body);
        break;
      case "welcome":
      case "ack":
      case "abort":
        this.#passOn(body, message.ok ? undefined : message.message);
        break;
    }
  }

  #connect(id: number, connection: Connection, body: Body<"connect">): void {
    if (body.more === null && !this.#door.anonymous) {
      const message = "this gateway takes tabs only by the link that `tequio up` prints";
      this.#out.refuse(id, { ...body, uid: null }, message);
      return;
    }
    connection.role = "browser";
    const session = sessionOf(body.more).slice(0, 64);
    const known = this.#sessions.get(session);
    const isBack = known !== undefined && isSameWorker(known, body.more);
    if (isBack) return this.#comeBack(id, connection, known, body);
    if (known !== undefined) {
      this.#detach(known);
      this.#lose(known);
    }
    this.#newTab(id, connection, body, session);
  }

  #newTab(id: number, connection: Connection, body: Body<"connect">, session: string): void {
    // The page that this one was before it was loaded again.
    const before = this.#sessions.get(String(body.more?.after ?? ""));
    if (before?.connection === null) this.#lose(before);
    // Those that are away count, too: thousands could come and go within the time they have.
    if (this.#tabs.size >= this.#limits.connectionsMax) {
      this.#out.close(id, 1013, `${this.#tabs.size} browsers are known here; try again later`);
      return;
    }
    const of = { connection: id, speed: body.speed, more: placed(body.more, connection) };
    const tab = newTab({ ...of, uid: String(++this.#lastUid), session, waiting: this.#waiting });
    connection.tab = tab;
    this.#tabs.set(tab.uid, tab);
    if (session !== "") this.#sessions.set(session, tab);
    this.#introduce(tab);
  }

  /** The same page over another connection: the tracker never learns that it was away. */
  #comeBack(id: number, connection: Connection, tab: Tab, body: Body<"connect">): void {
    this.#detach(tab);
    tab.connection = id;
    tab.speed = body.speed;
    tab.more = placed(body.more, connection);
    connection.tab = tab;
    if (tab.welcome !== null) this.#out.sendText(id, tab.welcome);
    const { missed, unknown } = compareHeld(tab);
    for (const text of missed) this.#out.sendText(id, text);
    for (const tid of unknown) this.#out.send(id, { action: "abort", uid: null, tid });
  }

  /** What is still on its way over its connection, a goodbye even, is nothing of it any more. */
  #detach({ connection }: Tab, why = "the page came over another connection"): void {
    if (connection === null) return;
    const old = this.#connections.get(connection);
    if (old !== undefined) old.tab = null;
    this.#out.close(connection, 1000, why);
  }

  #introduce(tab: Tab): void {
    const { speed, uid } = tab;
    this.#toTracker({ action: "connect", uid, speed, more: introduction(tab) });
  }

  #note({ tab }: Connection, { more }: Body<"pong">): void {
    if (tab !== null && more !== null && this.#trackerSession !== "") {
      this.#toTracker({ action: "note", uid: tab.uid, more });
    }
  }

  #ended(tab: Tab, body: Told): void {
    const { uid } = tab;
    const named = body.action === "finish" ? body.tid : body.more?.tid;
    const text = sendable(encodeBrowser({ ...body, uid }));
    if (body.action === "error" && named === undefined) {
      // By the protocol: whatever it is doing has failed.
      for (const tid of [...tab.tasks.keys()]) endTask(tab, tid);
      if (!this.#refresh(tab)) this.#toTracker({ ...body, uid });
      return;
    }
    if (typeof named !== "number") throw badMessage("more.tid is no number");
    const task = tab.tasks.get(named);
    if (task === undefined) {
      this.#notAssigned(tab, named);
      return;
    }
    if (body.action === "finish" && body.type !== task.type) {
      throw badMessage(`task ${named} is not ${body.type}`);
    }
    if (tab.isStale) {
      endTask(tab, named);
      this.#refresh(tab);
      return;
    }
    const isKept = keepEnded(tab, task, text);
    if (this.#tracker !== null) this.#tell(tab, named, text);
    // An authenticated tab reports it again when there is a tracker.
    else if (!isKept && tab.more === null) throw tooMuchWaits(tab);
  }

  /** It no longer computes for an earlier connection of a tracker; true when it did. */
  #refresh(tab: Tab): boolean {
    if (!tab.isStale || tab.tasks.size > 0) return false;
    tab.isStale = false;
    this.#introduce(tab);
    return true;
  }

  /** A late or repeated report of an ended task is ignored; of one never assigned it is an
   *  error. */
  #notAssigned(tab: Tab, tid: number): void {
    if (!tab.endedTids.includes(tid)) throw badMessage(`task ${tid} is not assigned to it`);
    if (tab.more !== null && tab.connection !== null) {
      this.#out.send(tab.connection, { action: "ack", uid: null, tid });
    }
  }

  /** Reports how a task ended. For tabs that wait for an `ack` it is kept until that comes. */
  #tell(tab: Tab, tid: number, ended = tab.tasks.get(tid)?.ended ?? null): void {
    if (ended === null || this.#tracker === null) return;
    this.#out.sendText(this.#tracker, ended);
    if (this.#trackerSession === "" || tab.more === null) endTask(tab, tid);
  }

  #becomeTracker(id: number, connection: Connection, body: Body<"tracker">, atMs: number): void {
    const live = this.#tracker !== null && this.#tracker !== id;
    const problem = live ? "there is a JobTracker already" : connection.caller.trackerProblem;
    if (connection.role === "browser" || problem !== null) {
      this.#out.refuse(id, { action: "tracker", more: null }, problem ?? "a browser is no tracker");
      return;
    }
    if (this.#tracker === id) return;
    connection.role = "tracker";
    connection.nextPingMs = atMs + this.#limits.pingMs;
    this.#tracker = id;
    const session = sessionOf(body.more);
    // After a crash of this gateway its tabs may be back before the tracker whose tasks they hold.
    const isSame = session !== "" && session === (this.#trackerSession ?? session);
    this.#trackerSession = session;
    if (!connection.caller.isOwn) this.#out.print(`tracker from ${connection.caller.remote}`);
    for (const tab of this.#tabs.values()) {
      tab.isStale ||= tab.more === null && isBusy(tab);
      if (tab.isStale) continue;
      if (!isSame) this.#dropTasks(tab);
      this.#introduce(tab);
      for (const tid of [...tab.tasks.keys()]) this.#tell(tab, tid);
    }
  }

  /** They belong to another tracker, which is gone. */
  #dropTasks(tab: Tab): void {
    for (const tid of [...tab.tasks.keys()]) {
      endTask(tab, tid);
      if (tab.more !== null && tab.connection !== null) {
        this.#out.send(tab.connection, { action: "abort", uid: null, tid });
      }
    }
  }

  #assign(body: Body<"task">): void {
    const tab = this.#tabs.get(body.uid ?? "");
    if (tab === undefined) {
      this.#toTracker({ action: "disconnect", uid: body.uid ?? "0" });
      return;
    }
    if (tab.tasks.size >= this.#limits.tasksMax) {
      const error = `browser ${tab.uid} has ${tab.tasks.size} tasks, the most that are allowed`;
      this.#toTracker({ action: "error", uid: tab.uid, error, more: { tid: body.tid } });
      return;
    }
    const given = taskOf(body);
    tab.tasks.set(body.tid, given);
    if (tab.connection !== null) this.#out.sendText(tab.connection, given.text);
  }

  #passOn(
    body: Extract<BrowserBody, { action: "welcome" | "ack" | "abort" }>,
    refusal: string | undefined,
  ): void {
    const tab = this.#tabs.get(body.uid ?? "");
    if (tab === undefined) return;
    if (refusal !== undefined && body.action === "welcome") this.#turnAway(tab, refusal);
    if (refusal !== undefined || tab.more === null) return;
    const forTab = { ...body, uid: null };
    if (body.action !== "welcome") endTask(tab, body.tid);
    else welcomed(tab, body.more, encodeBrowser(forTab));
    if (tab.connection !== null) this.#out.send(tab.connection, forTab);
  }

  /** The tracker rejected it: if the same page connects again it is a new tab. */
  #turnAway(tab: Tab, why: string): void {
    const { connection } = tab;
    tab.connection = null;
    this.#lose(tab);
    if (connection !== null) this.#out.refuse(connection, refusalOf(tab), why);
  }

  /** It has expired: it is disconnected, and cannot resume. */
  #lose(tab: Tab): void {
    this.#tabs.delete(tab.uid);
    this.#sessions.delete(tab.session);
    dropEnded(tab);
    this.#toTracker({ action: "disconnect", uid: tab.uid });
  }

  /** Throws `limit-exceeded` for a message that would close the link that all browsers share. */
  #toTracker(body: BrowserBody): void {
    if (this.#tracker !== null) this.#out.sendText(this.#tracker, sendable(encodeBrowser(body)));
  }
}
