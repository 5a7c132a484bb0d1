/** One browser as the tracker knows it: a worker of the core behind a gateway. */
import type { WorkerId } from "../../../core/ids.ts";
import type { Uid } from "../../../wire/browser/messages.ts";
import type { TabRun } from "./runs.ts";

export class Tab {
  readonly uid: Uid;
  readonly worker: WorkerId;
  /** It speaks more than the document. */
  readonly isOurs: boolean;
  readonly session: string;
  slots: number;
  readonly runs = new Map<number, TabRun>();
  /** To its gateway. */
  readonly send: (text: string) => void;
  /** Why it takes nothing just now; "" = it works. */
  paused = "";
  #lastTid: number;
  /** The task that a browser of the document computes, wanted or not: it cannot be told to stop. */
  #computing: number | null = null;
  /** Given to it when that has ended. */
  #next: { readonly tid: number; readonly text: string } | null = null;

  constructor(of: {
    readonly uid: Uid;
    readonly worker: WorkerId;
    readonly isOurs: boolean;
    readonly session: string;
    readonly slots: number;
    readonly send: (text: string) => void;
    /** Tids up to here are taken. */
    readonly lastTid: number;
  }) {
    this.uid = of.uid;
    this.worker = of.worker;
    this.isOurs = of.isOurs;
    this.session = of.session;
    this.slots = of.slots;
    this.send = of.send;
    this.#lastTid = of.lastTid;
  }

  /** Whether what it says without a tid is about this run. */
  computes({ tid }: TabRun): boolean {
    return this.isOurs || this.#computing === tid;
  }

  /** Gives it the task; to a browser of the document only when the one before has ended. */
  give(tid: number, text: string): void {
    if (this.#computing !== null) {
      this.#next = { tid, text };
      return;
    }
    if (!this.isOurs) this.#computing = tid;
    this.send(text);
  }

  /** A browser of the document has said how its task ended; null = whatever it did. */
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
