/** Which workers have gone silent. Pure: times come in, names of lost workers go out; nothing is
 *  logged.
 *
 *  1. A worker is silent when no message of it arrived for its lease.
 *  2. A closed link counts after `closedGraceMs`, so that a short break costs no attempt.
 *  3. Pauses of the coordinator do not count as the workers' silence: when a tick comes late by
 *     more than a heartbeat, every deadline moves by that lag (faults C9, C11).
 *  4. While all of several workers are silent, this machine is cut off rather than all others are
 *     gone, and none is there that could take their tasks: they are kept for `aloneLeases`. Once a
 *     message of one arrives, the others have `returnLeases` to come back.
 *  5. Each loss is reported once, until the worker is watched again or the report failed
 *     (`tellAgain`). */
import type { WorkerId } from "../../../core/ids.ts";

export type LivenessOptions = {
  /** Silence after which a worker is lost, ms. */
  readonly leaseMs: number;
  /** Longest time between messages of a worker, ms. */
  readonly heartbeatMs: number;
  /** How long a worker may be without a link, ms. */
  readonly closedGraceMs: number;
  /** Interval at which `due` is called, ms. */
  readonly tickMs: number;
};

export const defaultLiveness: LivenessOptions = {
  leaseMs: 15_000,
  heartbeatMs: 5_000,
  closedGraceMs: 1_000,
  tickMs: 100,
};

/** So many leases the silence of all workers at once is not held against them. */
const aloneLeases = 4;
/** So much of a lease the others may take to come back, once one is back after such a silence. */
const returnLeases = 1 / 3;

export type Loss = { readonly worker: WorkerId; readonly reason: "silent" | "closed" };

type Watched = {
  deadlineMs: number;
  reason: Loss["reason"];
  told: boolean;
  readonly leaseMs: number;
};

export class Liveness {
  readonly #options: LivenessOptions;
  readonly #watched = new Map<WorkerId, Watched>();
  #lastTickMs: number | null = null;
  /** When the last message of any worker arrived, ms. */
  #heardAtMs: number | null = null;

  constructor(options: LivenessOptions) {
    this.#options = options;
  }

  /** The worker has joined, or is known from before a restart: one full lease from now, less what
   *  it was already away while coordinators were up, but never without a chance to come back. */
  watch(worker: WorkerId, atMs: number, absentMs = 0, leaseMs = this.#options.leaseMs): void {
    const { closedGraceMs } = this.#options;
    const deadlineMs = atMs + Math.max(Math.min(leaseMs, 2 * closedGraceMs), leaseMs - absentMs);
    this.#watched.set(worker, { deadlineMs, reason: "silent", told: false, leaseMs });
  }

  /** A message of the worker arrived over its link. */
  heard(worker: WorkerId, atMs: number): void {
    this.#heard(atMs);
    const watched = this.#watched.get(worker);
    if (watched === undefined || watched.told || watched.reason === "closed") return;
    watched.deadlineMs = atMs + watched.leaseMs;
  }

  #heard(atMs: number): void {
    const { leaseMs } = this.#options;
    const wereAllSilent = this.#heardAtMs !== null && atMs - this.#heardAtMs >= leaseMs;
    this.#heardAtMs = atMs;
    if (!wereAllSilent) return;
    for (const watched of this.#watched.values()) {
      if (watched.reason === "closed") continue;
      watched.deadlineMs = Math.max(watched.deadlineMs, atMs + leaseMs * returnLeases);
    }
  }

  /** Its link has closed; only a new join (`watch`) brings it back. */
  closed(worker: WorkerId, atMs: number): void {
    const watched = this.#watched.get(worker);
    if (watched === undefined || watched.told) return;
    watched.deadlineMs = Math.min(watched.deadlineMs, atMs + this.#options.closedGraceMs);
    watched.reason = "closed";
  }

  /** The worker has left by itself. */
  forget(worker: WorkerId): void {
    this.#watched.delete(worker);
  }

  /** The loss could not be logged: it will be due again, unless the worker is back. */
  tellAgain(worker: WorkerId): void {
    const watched = this.#watched.get(worker);
    if (watched !== undefined) watched.told = false;
  }

  /** The loss is logged; a worker that has joined since then stays watched. */
  declared(worker: WorkerId): void {
    if (this.#watched.get(worker)?.told) this.#watched.delete(worker);
  }

  /** Workers to declare lost now. Called every `tickMs`. */
  due(atMs: number): Loss[] {
    const { heartbeatMs, leaseMs, tickMs } = this.#options;
    const lagMs = this.#lastTickMs === null ? 0 : atMs - this.#lastTickMs - tickMs;
    this.#lastTickMs = atMs;
    if (lagMs > heartbeatMs && this.#heardAtMs !== null) this.#heardAtMs += lagMs;
    const silentMs = this.#heardAtMs === null ? Number.POSITIVE_INFINITY : atMs - this.#heardAtMs;
    const areAllSilent =
      this.#watched.size > 1 && silentMs >= leaseMs && silentMs < aloneLeases * leaseMs;
    const losses: Loss[] = [];
    for (const [worker, watched] of this.#watched) {
      if (lagMs > heartbeatMs) watched.deadlineMs += lagMs;
      if (watched.told || atMs < watched.deadlineMs) continue;
      if (areAllSilent && watched.reason === "silent") continue;
      watched.told = true;
      losses.push({ worker, reason: watched.reason });
    }
    return losses;
  }
}
