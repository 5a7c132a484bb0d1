/** The writing side of a log in an engine: one write at a time, and none after a failure.
 *
 *  open → refusing: another writer took over, or the engine failed; only reads and `end` still
 *  work. any → closed. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../core/error.ts";
import * as rules from "../store/log/rules.ts";
import { isLost } from "./connection-lost.ts";

/** Between two tries after a lost connection, ms. */
export const retryMs = 50;
const awayMaxDefaultMs = 60_000;

export class WriterTurns {
  readonly #name: string;
  readonly #awayMaxMs: number;
  #refusal: ClusterError | null = null;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();

  /** `awayMaxMs`: how long an engine that is away is waited for before the log gives up. */
  constructor(name: string, awayMaxMs = awayMaxDefaultMs) {
    this.#name = name;
    this.#awayMaxMs = awayMaxMs;
  }

  mustBeOpen(): void {
    if (this.#closed) throw rules.closedLog(this.#name);
  }

  mustWrite(): void {
    this.mustBeOpen();
    if (this.#refusal !== null) throw this.#refusal;
  }

  /** Nothing is written any more, for this reason. */
  refuse(error: ClusterError): ClusterError {
    this.#refusal ??= error;
    return error;
  }

  takenOver(): ClusterError {
    return rules.fencedLog(this.#name, "another process took over");
  }

  /** Runs `work` after all that was given before. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(() => {
      this.mustWrite();
      return work();
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Tries again after each lost connection, unless `wasDone` finds that an earlier try was carried
   *  out: then null. Other failures end the log, but for `storage-full`. */
  async patiently<T>(
    attempt: () => Promise<T>,
    wasDone: () => Promise<boolean> = async () => false,
  ): Promise<T | null> {
    const untilMs = performance.now() + this.#awayMaxMs;
    for (let isFirst = true; ; isFirst = false) {
      try {
        if (!isFirst && (await wasDone())) return null;
        return await attempt();
      } catch (error) {
        if (!isLost(error)) throw this.#failed(error);
        if (this.#closed || performance.now() > untilMs) {
          const text = `${this.#name} was away too long (${error.message}); start again when it is`;
          const cause = { cause: error };
          throw this.refuse(new ClusterError("storage-failed", `${text} back`, cause));
        }
      }
      await delay(retryMs);
    }
  }

  /** False: it was ended before. Resolves when the last write has ended. */
  async end(): Promise<boolean> {
    if (this.#closed) return false;
    this.#closed = true;
    await this.#turn;
    return true;
  }

  #failed(error: unknown): unknown {
    const isHarmless = error instanceof ClusterError && error.code === "storage-full";
    return isHarmless || !(error instanceof ClusterError) ? error : this.refuse(error);
  }
}
