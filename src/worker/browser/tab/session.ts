/** The tab's side of the browser protocol as decisions: when it dials, what it sends, what it
 *  holds. Pure: time and random numbers are arguments, what is to be done is returned.
 *
 *  1. What a task ended with is kept, and sent again after each connection, until `ack`.
 *  2. A tab whose connection broke comes back as the same worker with what it holds; one that is
 *     refused as that worker, or fenced by another page, joins as a new one. One that cannot be
 *     taken just now keeps everything and asks again.
 *  3. While it is paused it takes nothing: what has begun goes on, the rest is given back. */
import { isRetryable } from "../../../core/error.ts";
import { closeCodes } from "../../../link/close-reason.ts";
import { decodeBrowser, encodeBrowser } from "../../../wire/browser/codec.ts";
import {
  type BrowserBody,
  type BrowserMessage,
  browserLimits,
} from "../../../wire/browser/messages.ts";
import type { ConnectMore, NoteMore, TaskMore, WelcomeMore } from "../../../wire/browser/more.ts";
import { printable } from "../../../wire/browser/printable.ts";
import { firstFitting, fits } from "../../../wire/browser/size.ts";
import { TabNotes } from "./reporting/notes.ts";
import type { Identity, Phase, SessionOptions, SessionOrder, TabTask } from "./session-orders.ts";

export type { Identity, Phase, SessionOptions, SessionOrder, TabTask } from "./session-orders.ts";

type Held = {
  readonly task: TabTask;
  /** The message about its end, kept until it is acknowledged. */
  ended: string | null;
  /** Whether the gateway has been informed that it began; null = it has not begun. */
  begun: "untold" | "told" | null;
  /** What it ended with was refused, and `ended` says so now. */
  isRefused: boolean;
};

const dialFirstMs = 250;
const dialMaxMs = 15_000;
/** A link on which nothing arrives for so long is given up: the gateway pings every 20 s. */
const silenceMaxMs = 50_000;
const noteDefaultMs = 2_000;
const overRefsMax = 256;
/** Of the first message, what is left for the tasks that the tab holds, bytes. */
const holdingMaxBytes = browserLimits.helloMax - 16 * 1024;

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
  readonly #notes = new TabNotes();
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
    const { kinds, name, python, session, token, version } = this.#options;
    const { credential, worker } = this.#identity ?? { credential: "", worker: "" };
    const holding = this.#holding();
    const common = { version, session, token: worker === "" ? token : "", worker, credential };
    const programs = python === undefined ? { kinds } : { kinds, python };
    const more: ConnectMore = { ...common, ...programs, name, slots: this.#slots, holding };
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

  /** `code` of WebSocket. */
  closed(reason: string, atMs: number, code: number = closeCodes.lost): SessionOrder[] {
    if (this.phase === "over" || this.phase === "refused" || this.phase === "waiting") return [];
    if (reason !== "") this.#print(`the connection closed: ${reason}`);
    if (code === closeCodes.tooLarge) this.#largestRefused();
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
    this.#notes.logged(tid, task, line);
  }

  progressed(tid: number, task: number, inputBytes: number): void {
    this.#notes.progressed(tid, task, inputBytes);
  }

  /** How the task ended: a `finish` or an `error`. */
  ended(tid: number, body: Extract<BrowserBody, { action: "finish" | "error" }>): SessionOrder[] {
    const held = this.#tasks.get(tid);
    if (held === undefined || held.ended !== null) return [];
    held.ended = encodeBrowser(body);
    const { fromBrowserMaxBytes } = browserLimits;
    if (!fits(held.ended, fromBrowserMaxBytes)) {
      this.#refused(held, `its report has more than ${fromBrowserMaxBytes} bytes`);
    }
    if (this.phase === "joined") {
      // The beginning is reported before the end.
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
      const rest = { ...this.#notes.take(), started: [], paused: this.#paused };
      if (this.phase === "joined") this.#send({ action: "pong", more: { ...rest, left: true } });
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
      case "error":
        if (!ok) this.#reportRefused(body.more?.tid, message);
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

  /** Those that have begun first, as far as the first message has room for them: tasks that it does
   *  not name are given to others by a coordinator that did not know this tab. */
  #holding(): ConnectMore["holding"] {
    const held = [...this.#tasks.values()];
    held.sort((a, b) => Number(b.begun !== null) - Number(a.begun !== null));
    const named = held.map(({ task }) => [task.tid, task.type, task.ref] as const);
    return firstFitting(named, holdingMaxBytes);
  }

  /** The gateway has refused the report of a task's end: sent again it would be refused again. */
  #reportRefused(tid: unknown, why: string): void {
    const held = typeof tid === "number" ? this.#tasks.get(tid) : undefined;
    if (held === undefined || held.ended === null) return;
    if (held.isRefused) {
      this.#over(held.task.tid);
      this.#orders.push({ kind: "stop", tid: held.task.tid });
      return;
    }
    this.#refused(held, why);
    if (this.phase === "joined") this.#orders.push({ kind: "send", text: held.ended });
  }

  /** The link was closed over a message that was too large; only a report can be so. */
  #largestRefused(): void {
    const sizeOf = ({ ended }: Held) => ended?.length ?? 0;
    const [largest] = [...this.#tasks.values()].sort((a, b) => sizeOf(b) - sizeOf(a));
    if (largest?.ended === null || largest === undefined || largest.isRefused) return;
    this.#refused(largest, `the gateway takes no report of ${largest.ended.length} characters`);
  }

  /** The task fails with this reason instead. */
  #refused(held: Held, why: string): void {
    const error = `its tab could not report it: ${why}; return smaller results`;
    const { tid } = held.task;
    const more = { tid, failure: { code: "limit-exceeded", message: error } };
    held.isRefused = true;
    held.ended = encodeBrowser({ action: "error", uid: null, error, more });
    this.#print(error);
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
    // Another worker's tasks are none of the new one's.
    for (const tid of this.#tasks.keys()) this.#orders.push({ kind: "stop", tid });
    this.#tasks.clear();
    // What it computed was found wrong: it stays that worker, also when the page is loaded again.
    if (why.startsWith("forbidden:")) return this.#refuse(why);
    this.#identity = null;
    this.#orders.push({ kind: "remember", identity: null });
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
      const error = "this tab cannot run tasks of a tracker that speaks only the base protocol";
      this.#send({ action: "error", uid: null, error, more: { tid: body.tid } });
      return;
    }
    // The gateway sends a task again when it does not know whether it arrived.
    this.phase = "joined";
    if (this.#tasks.has(body.tid)) return;
    const task = { ...(body.more as unknown as TaskMore), tid: body.tid, type: body.type };
    if (this.#overRefs.includes(task.ref)) {
      const { place, tid, type } = task;
      const url = [`${place}/out/0`];
      this.#send({ action: "finish", uid: null, type, tid, url, more: { reports: [] } });
      return;
    }
    this.#tasks.set(body.tid, { task, ended: null, begun: null, isRefused: false });
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
      if (held.begun !== "untold" || started.length >= browserLimits.notesMax) continue;
      held.begun = "told";
      started.push(tid);
    }
    const isNews = !this.#notes.isEmpty || started.length > 0;
    const isTold = this.#pausedTold === this.#paused && this.#slotsTold === this.#slots;
    if (!isNews && isTold && atMs - this.#notedAtMs < this.#noteMs) {
      this.#send({ action: "pong", more: null });
      return;
    }
    // Slots also when they are as before: a gateway may have reported an older number to a
    // coordinator.
    const state = { paused: this.#paused, slots: this.#slots };
    const more: NoteMore = { ...this.#notes.take(), started, ...state };
    this.#send({ action: "pong", more });
    this.#pausedTold = this.#paused;
    this.#slotsTold = this.#slots;
    this.#notedAtMs = atMs;
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
