/** One browser as the tracker knows it: a worker of the core behind a gateway. */
import type { WorkerId } from "../../core/ids.ts";
import type { Uid } from "../../wire/browser/messages.ts";
import type { TabRun } from "./runs.ts";

export class Tab {
  readonly uid: Uid;
  readonly worker: WorkerId;
  /** It speaks more than the document. */
  readonly isOurs: boolean;
  readonly session: string;
  readonly slots: number;
  readonly runs = new Map<number, TabRun>();
  /** To its gateway. */
  readonly send: (text: string) => void;
  /** Why it takes nothing just now; "" = it works. */
  paused = "";
  #lastTid: number;

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

  /** Counts from 1, and again after 2^31 − 1. */
  nextTid(): number {
    do this.#lastTid = this.#lastTid >= 2 ** 31 - 1 ? 1 : this.#lastTid + 1;
    while (this.runs.has(this.#lastTid));
    return this.#lastTid;
  }
}
