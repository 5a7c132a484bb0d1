/** One browser as the tracker sees it: a worker of the core behind a gateway. */
import type { WorkerId } from "../../../core/ids.ts";
import type { Uid } from "../../../wire/browser/messages.ts";
import type { TabRun } from "./runs.ts";

export class Tab {
  readonly uid: Uid;
  readonly worker: WorkerId;
  /** It speaks only the base protocol. */
  readonly isBasic: boolean;
  readonly session: string;
  slots: number;
  readonly runs = new Map<number, TabRun>();
  /** Sends to its gateway. */
  readonly send: (text: string) => void;
  /** Why it accepts no tasks now; "" = it works. */
  paused = "";
  /** It has announced that it leaves. */
  hasLeft = false;
  #lastTid: number;
  /** The task that a basic browser computes, wanted or not: it cannot be stopped. */
  #computing: number | null = null;
  /** Sent to it when that has ended. */
  #next: { readonly tid: number; readonly text: string } | null = null;

  constructor(of: {
    readonly uid: Uid;
    readonly worker: WorkerId;
    readonly isBasic: boolean;
    readonly session: string;
    readonly slots: number;
    readonly send: (text: string) => void;
    /** Tids up to this one are used. */
    readonly lastTid: number;
  }) {
    this.uid = of.uid;
    this.worker = of.worker;
    this.isBasic = of.isBasic;
    this.session = of.session;
    this.slots = of.slots;
    this.send = of.send;
    this.#lastTid = of.lastTid;
  }

  /** Whether its messages without a tid concern this run. */
  computes({ tid }: TabRun): boolean {
    return !this.isBasic || this.#computing === tid;
  }

  /** Sends it the task; to a basic browser only when the previous one has ended. */
  give(tid: number, text: string): void {
    if (this.#computing !== null) {
      this.#next = { tid, text };
      return;
    }
    if (this.isBasic) this.#computing = tid;
    this.send(text);
  }

  /** A basic browser has reported the end of its task; null = any task. */
  hasEnded(tid: number | null): void {
    if (tid !== null && tid !== this.#computing) return;
    const next = this.#next;
    this.#computing = null;
    this.#next = null;
    if (next !== null && this.runs.has(next.tid)) this.give(next.tid, next.text);
  }

  /** Counts from 1, and again after 2^31 − 1. */
  nextTid(): number {
    do this.#lastTid = this.#lastTid >= 2 ** 31 - 1 ? 1 : this.#lastTid + 1;
    while (this.runs.has(this.#lastTid));
    return this.#lastTid;
  }
}
