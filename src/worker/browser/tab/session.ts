/** The tab's side of seed 5 as decisions: when it dials, what it says, what it holds. Pure: time
 *  and
 *  chance are given, what is to be done is returned.
 *
 *  1. What a task ended with is kept, and said again after each connection, until `ack`.
 *  2. A tab whose connection broke comes back as the same worker with what it holds; one that is
 *     refused as that worker, or fenced by another page, joins as a new one. One that cannot be
 *     taken just now keeps everything and asks again.
 *  3. While it is paused it takes nothing: what has begun goes on, the rest is given back. */
import { isRetryable } from "../../../core/error.ts";
import { decodeBrowser, encodeBrowser } from "../../../wire/browser/codec.ts";
import type { BrowserBody, BrowserMessage } from "../../../wire/browser/messages.ts";
import type { ConnectMore, NoteMore, TaskMore, WelcomeMore } from "../../../wire/browser/more.ts";
import { printable } from "../../../wire/browser/printable.ts";

export type Identity = { readonly worker: string; readonly credential: string };

export type TabTask = TaskMore & { readonly tid: number; readonly type: "m" | "r" };

/** Of the connection: waiting = until the time to dial · dialling, until welcomed · joined ·
 *  refused
 *  = not taken, and nothing to try · over = by its user. */
export type Phase = "waiting" | "dialling" | "joined" | "refused" | "over";

export type SessionOrder =
  /** Connect after so many ms; answered by `dialling`, then `connected` or `closed`. */
  | { readonly kind: "dial"; readonly afterMs: number }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "close" }
  | { readonly kind: "run"; readonly task: TabTask }
  | { readonly kind: "stop"; readonly tid: number }
  /** For when the page is loaded again; null = forget it. */
  | { readonly kind: "remember"; readonly identity: Identity | null }
  /** For people, safe to show. */
  | { readonly kind: "print"; readonly line: string };

export type SessionOptions = {
  readonly version: string;
  /** Of this life of the page: 32 hex digits. */
  readonly session: string;
  /** Of the life before, "" = there was none; its work is given up. */
  readonly after: string;
  readonly token: string;
  readonly identity: Identity | null;
  readonly name: string;
  readonly slots: number;
  readonly kinds: readonly number[];
  /** In [0, 1). */
  readonly chance: () => number;
};

type Held = {
  readonly task: TabTask;
  /** What is said of its end, until that is acknowledged. */
  ended: string | null;
  /** Told to have begun; null = it has not. */
  begun: "untold" | "told" | null;
};

const dialFirstMs = 250;
const dialMaxMs = 15_000;
/** Nothing heard for so long: the gateway pings every 20 s. */
const silenceMaxMs = 50_000;
const logsMax = 500;
const noteDefaultMs = 2_000;
const overRefsMax = 256;

export class TabSession {
  phase: Phase = "waiting";
  /** Why it is refused; "" otherwise. */
  refusal = "";
  #slots: number;
  readonly #options: SessionOptions;
  #identity: Identity | null;
  #after: string;
  readonly #tasks = new Map<number, Held>();
  /** Names of tasks that were over lately: a gateway that slept may give them once more. */
  readonly #overRefs: string[] = [];
  #paused = "";
  #failures = 0;
  #heardAtMs = 0;
  #notedAtMs = 0;
  #noteMs = noteDefaultMs;
  #logs: Array<readonly [number, number, string]> = [];
  readonly #progress = new Map<string, readonly [number, number, number]>();
  #pausedTold = "";
  /** 0 = a note must say it: this connection has not. */
  #slotsTold = 0;
  #orders: SessionOrder[] = [];

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#after = options.after;
    this.#slots = options.slots;
  }

  get worker(): string {
    return this.#identity?.worker ?? "";
  }

  get taskCount(): number {
    return this.#tasks.size;
  }

  start(): SessionOrder[] {
    this.#dial(0);
    return this.#take();
  }

  /** It is being done. */
  dialling(atMs: number): void {
    if (this.phase === "waiting") this.phase = "dialling";
    this.#heardAtMs = atMs;
  }

  /** The WebSocket is open; `speed` in KB/s. */
  connected(speed: number, atMs: number): SessionOrder[] {
    this.#heardAtMs = atMs;
    const { kinds, name, session, token, version } = this.#options;
    const { credential, worker } = this.#identity ?? { credential: "", worker: "" };
    const holding = [...this.#tasks.values()].map(
      ({ task }) => [task.tid, task.type, task.ref] as const,
    );
    const common = { version, session, token: worker === "" ? token : "", worker, credential };
    const more: ConnectMore = { ...common, name, slots: this.#slots, kinds, holding };
    const after = this.#after === "" ? {} : { after: this.#after };
    this.#send({ action: "connect", uid: null, speed, more: { ...more, ...after } });
    this.#pausedTold = "";
    this.#slotsTold = 0;
    return this.#take();
  }

  said(text: string, atMs: number): SessionOrder[] {
    this.#heardAtMs = atMs;
    let message: BrowserMessage;
    try {
      message = decodeBrowser(text, "gateway", "browser");
    } catch (error) {
      this.#print(error instanceof Error ? error.message : String(error));
      return this.#take();
    }
    if (message.message !== "") this.#print(message.message);
    this.#heard(message, atMs);
    return this.#take();
  }

  closed(reason: string, atMs: number): SessionOrder[] {
    if (this.phase === "over" || this.phase === "refused" || this.phase === "waiting") return [];
    if (reason !== "") this.#print(`the connection closed: ${reason}`);
    this.#heardAtMs = atMs;
    this.#dialLater();
    return this.#take();
  }

  /** To be called some times a second. */
  tick(atMs: number): SessionOrder[] {
    if (this.phase === "dialling" || this.phase === "joined") {
      if (atMs - this.#heardAtMs > silenceMaxMs) {
        this.#orders.push({ kind: "close" });
        this.#dialLater();
      }
    }
    if (this.phase === "joined" && atMs - this.#notedAtMs >= this.#noteMs) this.#note(atMs);
    return this.#take();
  }

  began(tid: number): void {
    const held = this.#tasks.get(tid);
    if (held !== undefined && held.begun === null) held.begun = "untold";
  }

  logged(tid: number, task: number, line: string): void {
    if (this.#logs.length < logsMax) this.#logs.push([tid, task, line]);
  }

  progressed(tid: number, task: number, inputBytes: number): void {
    this.#progress.set(`${tid}/${task}`, [tid, task, inputBytes]);
  }

  /** How the task ended: a `finish` or an `error`. */
  ended(tid: number, body: Extract<BrowserBody, { action: "finish" | "error" }>): SessionOrder[] {
    const held = this.#tasks.get(tid);
    if (held === undefined || held.ended !== null) return [];
    held.ended = encodeBrowser(body);
    if (this.phase === "joined") {
      // The beginning is told before the end.
      this.#note(this.#heardAtMs);
      this.#orders.push({ kind: "send", text: held.ended });
    }
    return this.#take();
  }

  /** "" = it works. */
  pause(reason: string, atMs: number): SessionOrder[] {
    this.#paused = reason;
    if (this.phase === "joined") this.#note(atMs);
    return this.#take();
  }

  /** It lends more slots from now on, or fewer. */
  resize(slots: number, atMs: number): SessionOrder[] {
    const isNews = slots !== this.#slots;
    this.#slots = slots;
    if (isNews && this.phase === "joined") this.#note(atMs);
    return this.#take();
  }

  /** Says goodbye: what it holds is given to others at once. */
  leave(): SessionOrder[] {
    if (this.phase === "joined" || this.phase === "dialling") {
      this.#send({ action: "disconnect", uid: null });
      this.#orders.push({ kind: "close" });
    }
    for (const tid of this.#tasks.keys()) this.#orders.push({ kind: "stop", tid });
    this.#tasks.clear();
    this.phase = "over";
    return this.#take();
  }

  /** There is a network again: waits no longer. */
  hurry(): SessionOrder[] {
    if (this.phase === "waiting") this.#dial(0);
    return this.#take();
  }

  #heard({ body, ok, message }: BrowserMessage, atMs: number): void {
    switch (body.action) {
      case "ping":
        this.#note(atMs);
        break;
      case "welcome":
        if (ok) this.#welcomed(body.more as Partial<WelcomeMore>);
        else this.#turnedAway(message);
        break;
      case "connect":
        if (!ok) this.#refuse(message);
        break;
      case "task":
        this.#given(body);
        break;
      case "ack":
        this.#over(body.tid);
        break;
      case "abort":
        if (this.#over(body.tid)) this.#orders.push({ kind: "stop", tid: body.tid });
        break;
      default:
        break;
    }
  }

  #welcomed(more: Partial<WelcomeMore>): void {
    this.phase = "joined";
    this.#failures = 0;
    this.#after = "";
    this.#noteMs = Math.max(100, more.noteMs ?? noteDefaultMs);
    if (more.version !== undefined && more.version !== this.#options.version) {
      this.#print(`the cluster has version ${more.version}: reload this page`);
    }
    const credential = more.credential || this.#identity?.credential || "";
    this.#identity = { worker: more.worker ?? "", credential };
    this.#orders.push({ kind: "remember", identity: this.#identity });
    for (const held of this.#tasks.values()) {
      if (held.begun !== null) held.begun = "untold";
      if (held.ended !== null) this.#orders.push({ kind: "send", text: held.ended });
    }
  }

  /** Not now, or not as this worker; maybe as a new one. */
  #turnedAway(why: string): void {
    if (isRetryable(why)) {
      this.#orders.push({ kind: "close" });
      this.#dialLater();
      return;
    }
    if (this.#identity === null) {
      this.#refuse(why);
      return;
    }
    this.#identity = null;
    this.#orders.push({ kind: "remember", identity: null });
    // Another worker's tasks are none of the new one's.
    for (const tid of this.#tasks.keys()) this.#orders.push({ kind: "stop", tid });
    this.#tasks.clear();
    this.#orders.push({ kind: "close" });
    this.#dial(0);
  }

  #refuse(why: string): void {
    this.phase = "refused";
    this.refusal = why;
    this.#orders.push({ kind: "close" });
  }

  #given(body: Extract<BrowserBody, { action: "task" }>): void {
    if (body.more === null) {
      const error = "this tab cannot run tasks of a tracker that knows the document only";
      this.#send({ action: "error", uid: null, error, more: { tid: body.tid } });
      return;
    }
    // The gateway tells again what it does not know to have come.
    this.phase = "joined";
    if (this.#tasks.has(body.tid)) return;
    const task = { ...(body.more as unknown as TaskMore), tid: body.tid, type: body.type };
    if (this.#overRefs.includes(task.ref)) {
      const { place, tid, type } = task;
      const url = [`${place}/out/0`];
      this.#send({ action: "finish", uid: null, type, tid, url, more: { reports: [] } });
      return;
    }
    this.#tasks.set(body.tid, { task, ended: null, begun: null });
    this.#orders.push({ kind: "run", task });
  }

  #over(tid: number): boolean {
    const held = this.#tasks.get(tid);
    if (held === undefined) return false;
    this.#overRefs.push(held.task.ref);
    if (this.#overRefs.length > overRefsMax) this.#overRefs.shift();
    return this.#tasks.delete(tid);
  }

  #note(atMs: number): void {
    const started: number[] = [];
    for (const [tid, held] of this.#tasks) {
      if (held.begun !== "untold") continue;
      held.begun = "told";
      started.push(tid);
    }
    const progress = [...this.#progress.values()];
    const isNews = this.#logs.length + progress.length + started.length > 0;
    const isTold = this.#pausedTold === this.#paused && this.#slotsTold === this.#slots;
    if (!isNews && isTold && atMs - this.#notedAtMs < this.#noteMs) {
      this.#send({ action: "pong", more: null });
      return;
    }
    // Slots also when they are as before: a gateway may have told a coordinator of older ones.
    const state = { paused: this.#paused, slots: this.#slots };
    const more: NoteMore = { logs: this.#logs, progress, started, ...state };
    this.#send({ action: "pong", more });
    this.#pausedTold = this.#paused;
    this.#slotsTold = this.#slots;
    this.#notedAtMs = atMs;
    this.#logs = [];
    this.#progress.clear();
  }

  #dialLater(): void {
    const most = Math.min(dialMaxMs, dialFirstMs * 2 ** this.#failures++);
    // Tabs that lost the same gateway do not come back at the same moment.
    this.#dial(most * (0.5 + 0.5 * this.#options.chance()));
  }

  #dial(afterMs: number): void {
    this.phase = "waiting";
    this.#orders.push({ kind: "dial", afterMs });
  }

  #send(body: BrowserBody): void {
    this.#orders.push({ kind: "send", text: encodeBrowser(body) });
  }

  #print(line: string): void {
    this.#orders.push({ kind: "print", line: printable(line) });
  }

  #take(): SessionOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }
}
