/** One browser as the tracker knows it: a worker of the core behind a gateway. */
import type { AttemptRef, JobId, WorkerId } from "../../core/ids.ts";
import type { Uid } from "../../wire/browser/messages.ts";
import { refsOf, type TabRun } from "./runs.ts";

export class Tab {
  readonly uid: Uid;
  readonly worker: WorkerId;
  /** It speaks more than the document. */
  readonly isOurs: boolean;
  readonly session: string;
  readonly slots: number;
  readonly runs = new Map<number, TabRun>();
  /** Jobs that it works for, or did: lines that it logs are theirs. */
  readonly jobs = new Set<JobId>();
  paused = "";
  #lastTid: number;

  constructor(of: {
    readonly uid: Uid;
    readonly worker: WorkerId;
    readonly isOurs: boolean;
    readonly session: string;
    readonly slots: number;
    /** Tids up to here are taken. */
    readonly lastTid: number;
  }) {
    this.uid = of.uid;
    this.worker = of.worker;
    this.isOurs = of.isOurs;
    this.session = of.session;
    this.slots = of.slots;
    this.#lastTid = of.lastTid;
  }

  /** Counts from 1, and again after 2^31 − 1. */
  nextTid(): number {
    do this.#lastTid = this.#lastTid >= 2 ** 31 - 1 ? 1 : this.#lastTid + 1;
    while (this.runs.has(this.#lastTid));
    return this.#lastTid;
  }

  /** All attempts that it has. */
  holding(): AttemptRef[] {
    return [...this.runs.values()].flatMap(refsOf);
  }
}
