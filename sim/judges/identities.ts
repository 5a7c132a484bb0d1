/** The judge of W6: of two processes with one identity the coordinator keeps the one that still
 *  sends messages, and rejects the other; only a silent one is replaced. */
import type { Failure } from "../../src/core/job.ts";
import { coordinatorName } from "../world/names.ts";
import type { SimLink } from "../world/sim-link.ts";
import type { Exercised } from "./laws.ts";
import type { WatchedWorker } from "./watched.ts";

export type IdentityJudgeOptions = {
  readonly nowMs: () => number;
  /** Silence after which a process may be replaced, ms. */
  readonly quietMs: number;
  readonly breach: (law: string, text: string) => void;
  readonly count: (what: string) => void;
  readonly exercised: Exercised;
};

/** The reason for closing the link of a worker that has connected over another. */
const replaced = "the worker has connected over another link";

export class IdentityJudge {
  readonly #options: IdentityJudgeOptions;
  /** Every process that has presented an id, dead ones too: the coordinator may not know yet. */
  readonly #known = new Map<string, Set<WatchedWorker>>();

  constructor(options: IdentityJudgeOptions) {
    this.#options = options;
  }

  /** The worker presents this id to the coordinator now. */
  asks(worker: WatchedWorker): void {
    const { workerId } = worker.loop;
    if (workerId !== "") this.#known.set(workerId, this.of(workerId).add(worker));
  }

  joined(worker: WatchedWorker): void {
    this.asks(worker);
    for (const other of this.of(worker.loop.workerId)) {
      if (other === worker || other.process.life === "dead") continue;
      this.#options.count("joined beside a clone");
    }
  }

  of(id: string): Set<WatchedWorker> {
    return this.#known.get(id) ?? new Set();
  }

  /** A live process loses its link to another one: allowed only when it was silent. */
  closed(end: SimLink, reason: string): void {
    if (reason !== replaced || end.from.name !== coordinatorName || !end.peer.isOpen) return;
    const { breach, exercised, nowMs, quietMs } = this.#options;
    exercised("W6: only a silent process is replaced");
    const silentMs = nowMs() - end.heardAtMs;
    if (silentMs >= quietMs) this.#options.count("clone took over");
    if (end.to.life === "dead" || silentMs >= quietMs) return;
    breach("W6", `${end.to.name} lost its place to a clone, ${silentMs} ms after its last message`);
  }

  /** Whether the refusal is explained by another process that was active shortly before or
   *  since. */
  isExcused(worker: WatchedWorker, failure: Failure): boolean {
    if (failure.code !== "fenced") return false;
    const sinceMs = worker.dialledAtMs - this.#options.quietMs;
    for (const other of this.of(worker.loop.workerId)) {
      if (other === worker || other.heardAtMs < sinceMs) continue;
      this.#options.count("clone fenced");
      return true;
    }
    return false;
  }
}
