/** The options of a loop. */
import type { Effect } from "../../core/effect.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import type { Log } from "../../store/log/log.ts";
import type { LogEnd, ReplayProgress } from "./journal.ts";
import type { Timers } from "./timers.ts";

/** Effects that the loop does not perform itself. */
export type OuterEffect = Exclude<Effect, { kind: "reply" | "refuse" }>;

export type LoopOptions = {
  readonly log: Log;
  /** A state that followed the log, to continue from: it belongs to the loop from now on. Default:
   *  the snapshot. */
  readonly warm?: LogEnd;
  readonly timers: Timers;
  /** Called in order, never before the event is durable. Must not throw and must not wait. */
  readonly perform: (effect: OuterEffect) => void;
  /** Sees every event with what the core made of it, those of the replay too. Must not throw. */
  readonly observe?: (
    event: CoordinatorEvent,
    effects: readonly Effect[],
    position: number,
  ) => void;
  /** Called once; after it the loop does nothing more. */
  readonly onFatal: (error: Error) => void;
  /** Slots that one owner may use at the same time; 0 = unlimited. Default 0. */
  readonly slotsPerOwner?: number;
  /** See the event `coordinator-started`: a number that cannot be guessed. Default 0, for
   *  coordinators without volunteers. */
  readonly trustSeed?: number;
  /** See the event `coordinator-started`; shares 0 to 1 each. Default 0, and not by owner. */
  readonly checks?: {
    readonly auditShare?: number;
    readonly canaryShare?: number;
    readonly trustsByOwner?: true;
  };
  /** Events in the inbox; above it `post` is refused as `unavailable`. Default 20,000. */
  readonly inboxMax?: number;
  /** Their JSON characters together. Default 64 Mi. */
  readonly inboxMaxChars?: number;
  /** Events in one append. Default 1,024. */
  readonly batchMax?: number;
  /** A snapshot is taken after so many records. Default 10,000, which replay within a second. */
  readonly snapshotRecords?: number;
  /** … or so many bytes of records. Default 64 MiB. A larger snapshot waits for as many bytes of
   *  records as it has itself, a smaller one for an eighth, so that a byte of the log costs the
   *  same however large the state. */
  readonly snapshotBytes?: number;
  /** … or so long after the last one, and at `stop`, when a start would have more than a handful of
   *  records to replay; in ms. Default 5 min. */
  readonly snapshotEveryMs?: number;
  /** Called periodically during a long replay. Default: not called, and no other work runs
   *  meanwhile. */
  readonly onReplay?: (progress: ReplayProgress) => void;
};
