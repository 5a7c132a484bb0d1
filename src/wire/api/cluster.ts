/** The cluster at a glance, and one worker: what the page's first look and a worker's card show. */
import type { JobId } from "../../core/ids.ts";
import type { StageKind } from "../../core/job.ts";
import type { WorkerSummary } from "../../core/summary.ts";

/** Counts of whole intervals, oldest first, at most 150; since the coordinator's start. */
export type Activity = {
  readonly everyMs: number;
  /** Attempts that ended well. */
  readonly tasks: readonly number[];
  /** Bytes of inputs that they read. */
  readonly bytes: readonly number[];
};

/** Bytes; `freeBytes` is what may still be used. */
export type Room = { readonly freeBytes: number; readonly totalBytes: number };

export type ClusterView = {
  /** Coordinator's clock. */
  readonly atMs: number;
  readonly jobsRunning: number;
  /** Of running jobs: those that wait for others, those that wait for a slot, those in one. */
  readonly tasks: { readonly waiting: number; readonly ready: number; readonly running: number };
  readonly activity: Activity;
  /** Of the coordinator's machine: the disk of its data directory, and memory. */
  readonly disk: Room;
  readonly memory: Room;
};

export type WorkerView = {
  readonly summary: WorkerSummary;
  /** As "node 24"; "" = not known. */
  readonly engine: string;
  /** Share of its machine's processors that is busy, 0 to 1; null = not known, as of a tab. */
  readonly cpuShare: number | null;
  /** Of its machine; 0 = not known. */
  readonly memoryBytes: number;
  /** Where other workers reach it; "" = they cannot. */
  readonly exchangeUrl: string;
  /** Tasks that it was given, of jobs that the caller may read; at most 32 jobs. */
  readonly jobs: ReadonlyArray<{
    readonly job: JobId;
    readonly name: string;
    readonly kind: StageKind;
    /** In its slots, and waiting there for one. */
    readonly tasks: number;
    /** Since the oldest of them was given to it, ms. */
    readonly forMs: number;
  }>;
};
