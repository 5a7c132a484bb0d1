/** A warm state: follows the log that another coordinator writes, so that this one can lead without
 *  replaying it. */
import type { Effect } from "../../core/effect.ts";
import { ClusterError } from "../../core/error.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import type { Log } from "../../store/log/log.ts";
import { type LogEnd, replay } from "../loop/journal.ts";
import type { Timers } from "../loop/timers.ts";

/** What is learned from events besides the state. A state that begins anew has new ones. */
export type Histories = {
  observe(event: CoordinatorEvent, effects: readonly Effect[], position: number): void;
};

export type Warm<H> = { readonly end: LogEnd; readonly histories: H };

export type FollowerOptions<H extends Histories> = {
  readonly log: Pick<Log, "read" | "last" | "loadSnapshot">;
  readonly timers: Pick<Timers, "after" | "monotonicMs">;
  readonly newHistories: () => H;
  /** For people: the log cannot be read now, or can be again (""). */
  readonly onProblem: (text: string) => void;
};

/** Between two looks, ms. */
const lookMs = 100;
const problemMs = 1_000;

export class Follower<H extends Histories> {
  readonly #options: FollowerOptions<H>;
  #warm: Warm<H> | null = null;
  #isStopped = false;
  #problem = "";
  #cancelTimer = () => {};
  #turn: Promise<void>;

  constructor(options: FollowerOptions<H>) {
    this.#options = options;
    this.#turn = this.#look();
  }

  /** Last position that it has; −1 = nothing yet. */
  get position(): number {
    return this.#warm?.end.position ?? -1;
  }

  /** Ends following, and catches up with a log that has no other writer any more. */
  async finish(log: FollowerOptions<H>["log"]): Promise<Warm<H>> {
    await this.stop();
    await this.#catchUp(log);
    return this.#warm as Warm<H>;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTimer();
    await this.#turn;
  }

  async #look(): Promise<void> {
    let delayMs = lookMs;
    try {
      await this.#catchUp(this.#options.log);
      this.#report("");
    } catch (error) {
      delayMs = problemMs;
      this.#report((error as Error).message);
    }
    if (this.#isStopped) return;
    this.#cancelTimer = this.#options.timers.after(delayMs, () => {
      this.#turn = this.#look();
    });
  }

  /** A state that met an error is not trusted: it may have taken half of a step. */
  async #catchUp(log: FollowerOptions<H>["log"]): Promise<void> {
    const before = this.#warm;
    if (before !== null && (await log.last()) === before.end.position) return;
    this.#warm = null;
    try {
      this.#warm = await this.#replayed(log, before);
    } catch (error) {
      const isTrimmed = error instanceof ClusterError && error.code === "bad-request";
      if (!isTrimmed || before === null) throw error;
      this.#warm = await this.#replayed(log, null);
    }
  }

  async #replayed(log: FollowerOptions<H>["log"], before: Warm<H> | null): Promise<Warm<H>> {
    const { newHistories, timers } = this.#options;
    const histories = before?.histories ?? newHistories();
    const end = await replay(log, {
      replayed: ({ position }, event, effects) => histories.observe(event, effects, position),
      // Other work of this process runs meanwhile.
      onProgress: () => {},
      nowMs: () => timers.monotonicMs(),
      ...(before === null ? {} : { from: before.end }),
    });
    return { end, histories };
  }

  #report(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.onProblem(problem);
  }
}
