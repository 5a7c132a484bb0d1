/** What the core wants done. Effects of one event are performed in order, after the event is
 *  durable.
 *
 *  Performing returns nothing: what comes of it is a later event. Effects of a replay are dropped;
 *  a peer that needs them again (a worker that reconnects) gets them by a new event. */
import type { ClusterError } from "./error.ts";
import type { AttemptRef, Hash, JobId, WorkerId } from "./ids.ts";
import type { TaskOutput } from "./job.ts";

export type Effect =
  /** Send a worker the job; always before its first `assign` in this worker's session. */
  | { readonly kind: "open-job"; readonly worker: WorkerId; readonly job: JobId }
  /** Send a worker the places of the partitions of `stage` (`stageSources`); before the reduce
   *  tasks that read them, and again when one has moved. */
  | {
      readonly kind: "send-sources";
      readonly worker: WorkerId;
      readonly job: JobId;
      readonly stage: number;
    }
  /** Lease these attempts to the worker, in this order. Answered by `attempts-reported`, or
   *  `worker-lost`. */
  | {
      readonly kind: "assign";
      readonly worker: WorkerId;
      readonly job: JobId;
      readonly stage: number;
      readonly attempts: ReadonlyArray<{ readonly task: number; readonly attempt: number }>;
    }
  /** Stop these attempts; whatever the worker says of them later changes nothing. */
  | { readonly kind: "abort"; readonly worker: WorkerId; readonly attempts: readonly AttemptRef[] }
  /** Return those of these attempts that have not begun: each is reported as `returned`. The others
   *  go on. A worker that does not know the order runs all of them. */
  | {
      readonly kind: "take-back";
      readonly worker: WorkerId;
      readonly attempts: readonly AttemptRef[];
    }
  /** The worker returned a wrong result: close its link, and admit it no more. */
  | { readonly kind: "expel"; readonly worker: WorkerId }
  /** Two results of one task are not the same: find the first record in which they differ. Answered
   *  by `outputs-compared`, unless the outputs are gone. */
  | {
      readonly kind: "compare-outputs";
      readonly job: JobId;
      readonly stage: number;
      readonly task: number;
      readonly outputs: readonly [OutputAt, OutputAt];
    }
  /** The job has ended: forget its code and its partitions. */
  | { readonly kind: "close-job"; readonly worker: WorkerId; readonly job: JobId }
  /** Answer the caller whose request is this event. At most one of `reply` and `refuse` per
   *  event. */
  | { readonly kind: "reply"; readonly value: ReplyValue }
  | { readonly kind: "refuse"; readonly error: ClusterError }
  /** Wake those who watch the job; its summary says what changed. */
  | { readonly kind: "job-changed"; readonly job: JobId }
  /** The job is gone; its blobs are no longer needed, unless another job names them: `blobs` (code,
   *  plan, outputs), and those that its plan names. */
  | {
      readonly kind: "drop-blobs";
      readonly job: JobId;
      readonly blobs: ReadonlySet<Hash>;
      readonly plan: Hash;
    };

/** An output of an attempt. `worker`: who has its partitions, null = the coordinator. */
export type OutputAt = Pick<TaskOutput, "page" | "root" | "sizeBytes" | "value"> & {
  readonly attempt: number;
  readonly worker: WorkerId | null;
};

export type ReplyValue = {
  readonly job?: JobId;
  /** Of a submission: its key has named the job before. */
  readonly existed?: true;
  readonly worker?: WorkerId;
  /** Of a token that was revoked: credentials of the workers that joined with it. */
  readonly admitted?: readonly string[];
};
