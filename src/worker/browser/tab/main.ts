/** The tab's controller: a dedicated Worker of the page that holds the connection, the clock and
 *  the tasks. Decisions are `session.ts`'s; this carries them out. */

import type { JobProgress } from "../../../wire/api/messages.ts";
import { InputCache } from "./cache.ts";
import { type FromTab, type TabShown, type ToTab, tabLimits } from "./page-messages.ts";
import { TabParts } from "./parts.ts";
import { PythonFetcher } from "./python.ts";
import { TaskRunner } from "./runner.ts";
import { type SessionOrder, TabSession } from "./session.ts";
import { Slot } from "./slots/slot.ts";
import { measureSpeed } from "./speed.ts";

type Scope = {
  onmessage: ((event: MessageEvent<ToTab>) => void) | null;
  postMessage(message: FromTab): void;
};
const scope = globalThis as unknown as Scope;
const say = (message: FromTab) => scope.postMessage(message);

const tickMs = 500;
const shownEveryMs = 200;
/** Between two looks at how far the jobs are, and the longest of one, ms. */
const progressEveryMs = 2_000;
const progressMaxMs = 10_000;
/** A tab that cannot do what it was given takes nothing for so long, ms. */
const unableMs = 60_000;

type Start = Extract<ToTab, { kind: "start" }>;

class Tab {
  readonly #origin: string;
  readonly #session: TabSession;
  readonly #runner: TaskRunner;
  readonly #parts: TabParts;
  #socket: WebSocket | null = null;
  #dialling: ReturnType<typeof setTimeout> | undefined;
  #speedKbps = 0;
  #paused = "";
  readonly #caching: Promise<InputCache | null>;
  #cache: InputCache | null = null;
  #isShowing = false;
  #hasComputed = false;

  constructor(start: Start) {
    this.#origin = start.origin;
    this.#session = new TabSession({ ...start, chance: Math.random });
    const limits = { ...tabLimits, ...start.limits };
    this.#parts = new TabParts((place) => progressAt(new URL(`${place}/progress`, start.origin)));
    this.#caching = InputCache.open(start.cacheBytes);
    void this.#caching.then((cache) => {
      this.#cache = cache;
      this.#show();
    });
    const python = new PythonFetcher(start.origin, (bytes) => {
      this.#parts.fetchedBytes += bytes;
      this.#show();
    });
    this.#runner = new TaskRunner({
      origin: start.origin,
      limits,
      python,
      cache: this.#caching,
      parts: this.#parts,
      newSlot: (index) =>
        new Slot(index, {
          silenceMaxMs: limits.silenceMaxMs,
          want: () => say({ kind: "sandbox-wanted", slot: index }),
          drop: () => say({ kind: "sandbox-unwanted", slot: index }),
          python: () => python.files,
        }),
      ears: {
        began: (tid) => this.#began(tid),
        logged: (...line) => this.#session.logged(...line),
        progressed: (...progress) => this.#session.progressed(...progress),
        ended: (tid, body) => this.#perform(this.#session.ended(tid, body)),
        changed: () => this.#show(),
        unable: (reason) => this.#unable(reason),
      },
    });
    this.#runner.lend(start.share);
    this.#runner.resize(start.slots);
    this.#perform(this.#session.start());
    setInterval(() => this.#perform(this.#session.tick(performance.now())), tickMs);
    setInterval(() => void this.#look(), progressEveryMs);
  }

  async #look(): Promise<void> {
    const jobs = new Set(this.#runner.shown.map(({ job }) => job));
    if (jobs.size === 0) return;
    await this.#parts.look([...jobs]);
    this.#show();
  }

  told(message: ToTab, ports: readonly MessagePort[]): void {
    switch (message.kind) {
      case "sandbox":
        if (ports[0] !== undefined) this.#runner.slot(message.slot)?.give(ports[0]);
        break;
      case "sandbox-lost":
        this.#runner.slot(message.slot)?.lose("its frame is gone");
        break;
      case "slots":
        // The session sends the new number of slots first: then no task that the runner gives back
        // is replaced for a slot that is no longer offered.
        this.#perform(this.#session.resize(message.slots, performance.now()));
        this.#runner.resize(message.slots);
        break;
      case "cache":
        void this.#caching.then((cache) => cache?.limit(message.cacheBytes));
        break;
      case "share":
        this.#runner.lend(message.share);
        break;
      case "pause":
        this.#pause(message.reason);
        break;
      case "hurry":
        this.#perform(this.#session.hurry());
        break;
      case "leave":
        this.#perform(this.#session.leave());
        break;
    }
    this.#show();
  }

  /** Others take what this browser cannot, and it looks again later: there may be other jobs. */
  #unable(reason: string): void {
    if (this.#paused !== "") return;
    this.#pause(reason);
    setTimeout(() => {
      if (this.#paused === reason) this.#pause("");
    }, unableMs);
  }

  #pause(reason: string): void {
    this.#paused = reason;
    this.#perform(this.#session.pause(reason, performance.now()));
    this.#runner.pause(reason !== "");
  }

  #began(tid: number): void {
    this.#session.began(tid);
    if (!this.#hasComputed) say({ kind: "computing" });
    this.#hasComputed = true;
  }

  #perform(orders: readonly SessionOrder[]): void {
    for (const order of orders) {
      switch (order.kind) {
        case "dial":
          clearTimeout(this.#dialling);
          this.#dialling = setTimeout(() => void this.#dial(), order.afterMs);
          break;
        case "send":
          if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(order.text);
          break;
        case "close":
          this.#drop();
          break;
        case "run":
          this.#runner.add(order.task);
          break;
        case "stop":
          this.#runner.stop(order.tid);
          break;
        case "remember":
        case "print":
          say(order);
          break;
      }
    }
    if (orders.length > 0) this.#show();
  }

  /** What comes of this socket later is of no interest. */
  #drop(): void {
    clearTimeout(this.#dialling);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
  }

  async #dial(): Promise<void> {
    const socket = new WebSocket(`${this.#origin.replace(/^http/, "ws")}/tab`);
    this.#drop();
    this.#socket = socket;
    this.#session.dialling(performance.now());
    const isCurrent = () => this.#socket === socket;
    socket.onmessage = ({ data }) => {
      if (isCurrent()) this.#perform(this.#session.said(String(data), performance.now()));
    };
    socket.onclose = ({ code, reason }) => {
      if (isCurrent()) this.#perform(this.#session.closed(reason, performance.now(), code));
    };
    socket.onopen = async () => {
      this.#speedKbps ||= await measureSpeed(this.#origin);
      if (!isCurrent()) return;
      this.#perform(this.#session.connected(this.#speedKbps, performance.now()));
    };
  }

  /** Some times a second at most. */
  #show(): void {
    if (this.#isShowing) return;
    this.#isShowing = true;
    setTimeout(() => {
      this.#isShowing = false;
      say({ kind: "shown", shown: this.#shown() });
    }, shownEveryMs);
  }

  #shown(): TabShown {
    const { phase, refusal, worker } = this.#session;
    const { shown } = this.#runner;
    const { busyMs, doneCount, failedCount, fetchedBytes, sentBytes, shown: jobs } = this.#parts;
    const counts = { doneCount, failedCount, fetchedBytes, sentBytes, busyMs };
    const paused = this.#paused;
    const speedKbps = this.#speedKbps;
    const cachedBytes = this.#cache?.usedBytes ?? null;
    const common = { phase, refusal, worker, paused, speedKbps, cachedBytes };
    return { ...common, running: shown, jobs, ...counts };
  }
}

async function progressAt(url: URL): Promise<JobProgress> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(progressMaxMs) });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return (await answer.json()) as JobProgress;
}

let tab: Tab | null = null;
scope.onmessage = ({ data, ports }) => {
  if (data.kind === "start") tab ??= new Tab(data);
  else tab?.told(data, ports);
};
