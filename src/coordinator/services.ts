/** What the HTTP routes use: the parts of the coordinator, put together once. */
import { ClusterError } from "../core/error.ts";
import { idNumber, type JobId } from "../core/ids.ts";
import type { JobSummary } from "../core/summary.ts";
import { jobSummary, removedText } from "../core/view.ts";
import type { SharedInputs } from "../peer/input/shared-input.ts";
import type { ShuffleClient } from "../peer/shuffle/client.ts";
import type { Blobs } from "../store/blob/blob.ts";
import type { Staging } from "../store/blob/staged.ts";
import type { Auth } from "./access/auth.ts";
import type { TrackerEdge } from "./edges/browser/edge.ts";
import type { PlainResults } from "./edges/browser/plain-results.ts";
import type { WorkerEdge } from "./edges/worker/edge.ts";
import type { ClusterKeys } from "./edges/worker/orders.ts";
import type { Programs } from "./edges/worker/programs.ts";
import type { Arrivals } from "./jobs/arrivals.ts";
import type { AttemptHistory } from "./jobs/attempt-history.ts";
import type { BlobSweep } from "./jobs/blob-sweep.ts";
import type { ItemLines } from "./jobs/item-lines.ts";
import type { JobLogs } from "./jobs/job-logs.ts";
import type { Plans } from "./jobs/plans.ts";
import type { Progress } from "./jobs/progress.ts";
import type { Retention } from "./jobs/retention.ts";
import type { TaskMoves } from "./jobs/task-moves.ts";
import type { Watchers } from "./jobs/watchers.ts";
import type { Standbys } from "./leading/standbys.ts";
import type { Loop } from "./loop/loop.ts";
import type { Members } from "./members/members.ts";
import type { Tickets } from "./members/tickets.ts";
import type { Activity } from "./metrics/activity.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { HandOver } from "./relay/handed-over.ts";
import type { Relay } from "./relay/relay.ts";
import type { Relayed } from "./relay/relayed.ts";
import type { ShuffleStore } from "./relay/shuffle-store.ts";
import type { Uploads } from "./relay/uploads.ts";
import type { LowWater } from "./upkeep/low-water.ts";

export type Services = {
  readonly loop: Loop;
  readonly auth: Auth;
  readonly members: Members;
  readonly blobs: Blobs;
  /** Uploads of submitters that come in ranges. */
  readonly staging: Staging;
  /** Jobs that were submitted before their input had arrived. */
  readonly arrivals: Arrivals;
  readonly plans: Plans;
  readonly itemLines: ItemLines;
  readonly edge: WorkerEdge;
  /** Modules for existing workers. */
  readonly programs: Programs;
  readonly tracker: TrackerEdge;
  readonly plainResults: PlainResults;
  readonly relay: Relay;
  /** Outputs of workers that leave. */
  readonly handOver: HandOver;
  /** Null: the blobs are files. */
  readonly stored: ShuffleStore | null;
  /** Which workers cannot read from which others. */
  readonly relayed: Relayed;
  readonly uploads: Uploads;
  /** Reads outputs of workers, for browsers. */
  readonly shuffle: ShuffleClient;
  readonly tickets: Tickets;
  /** Reads files that members share, for workers that cannot reach these members. */
  readonly sharedInputs: SharedInputs;
  readonly keys: ClusterKeys;
  readonly sweep: BlobSweep;
  readonly retention: Retention;
  readonly logs: JobLogs;
  readonly attempts: AttemptHistory;
  readonly moves: TaskMoves;
  readonly metrics: Metrics;
  readonly activity: Activity;
  readonly progress: Progress;
  readonly watchers: Watchers;
  readonly lowWater: LowWater;
  readonly dataDir: string;
  /** The id of this machine; see link/host.ts. */
  readonly host: string;
  readonly version: string;
  /** The URL at which other machines reach it; "" = they cannot, or it does not listen yet. Whether
   *  its certificate was made by itself, so that browsers warn of it. */
  readonly place: { openUrl: string; hasOwnCertificate: boolean };
  /** Coordinators that stand by; null = none can: the log is a file. */
  readonly standbys: Pick<Standbys, "list" | "someone"> | null;
  /** An authorized caller has requested a shutdown; called after the answer is sent. */
  readonly onShutdown: () => void;
};

/** The job's summary with what its running attempts have read. Throws `not-found`. */
export function summaryOf(services: Services, job: JobId): JobSummary {
  const { loop, progress } = services;
  const summary = jobSummary(loop.state, job, loop.nowMs());
  if (summary === null) throw goneJob(services, job);
  return progress.added(summary);
}

/** `not-found` for a removed job that the caller may see: the message says what became of it. */
export function goneJob({ loop }: Pick<Services, "loop">, job: JobId): ClusterError {
  const removed = removedText(loop.state, job);
  return removed === null ? noSuchJob(job) : new ClusterError("not-found", removed);
}

/** The same text for a job of another owner, so that it reveals nothing. */
export function noSuchJob(job: string): ClusterError {
  const meant = /^\d{1,9}$/.test(job) ? ` (did you mean j-${job}?)` : "";
  const text = `there is no job ${job.slice(0, 40)}${meant}; \`tequio jobs\` lists yours`;
  return new ClusterError("not-found", text);
}

export function asJobId(text: string | undefined): JobId {
  if (text === undefined || !text.startsWith("j-") || Number.isNaN(idNumber(text))) {
    throw noSuchJob(text ?? "");
  }
  return text as JobId;
}
