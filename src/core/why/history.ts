/** What has become of a task so far, move by move, each with the event that caused it. Events are
 *  named by their position in the coordinator's log, so that two moves of one cause are seen to be
 *  of one. Plain objects, so that each reader can say them in their language; `moveText` is the
 *  English. */
import type { WorkerId } from "../ids.ts";

export const moveKinds = [
  "assigned",
  "done",
  "failed",
  "returned",
  "asked-back",
  "stopped",
  "lost",
] as const;

export const causeKinds = [
  "other",
  "job-submitted",
  "job-cancelled",
  "worker-joined",
  "worker-lost",
  "worker-resumed",
  "worker-resized",
  "attempts-started",
  "attempts-reported",
  "time-passed",
  "coordinator-started",
  "inputs-arrived",
  "inputs-missed",
] as const;

export type TaskMove = {
  /** Coordinator's clock, in ms. */
  readonly atMs: number;
  readonly kind: (typeof moveKinds)[number];
  readonly stage: number;
  readonly task: number;
  /** From 1. */
  readonly attempt: number;
  readonly worker: WorkerId;
  readonly cause: {
    /** In the log: from 1, without gaps. */
    readonly event: number;
    readonly kind: (typeof causeKinds)[number];
    /** The worker that the event is about; null = no worker. */
    readonly worker: WorkerId | null;
  };
};

/** The answer of `GET …/history`. */
export type TaskHistory = {
  /** In order. */
  readonly moves: readonly TaskMove[];
  /** Older ones are no longer kept. */
  readonly partial: boolean;
};

const moves: { readonly [K in TaskMove["kind"]]: (attempt: string, worker: WorkerId) => string } = {
  assigned: (attempt, worker) => `${attempt} was assigned to ${worker}`,
  done: (attempt, worker) => `${attempt} was completed by ${worker}`,
  failed: (attempt, worker) => `${attempt} failed on ${worker}`,
  returned: (attempt, worker) => `${attempt} was returned by ${worker} without having run`,
  "asked-back": (attempt, worker) =>
    `${worker} was asked to return ${attempt}, unless it had begun`,
  stopped: (attempt, worker) => `${attempt} was stopped on ${worker}`,
  lost: (attempt, worker) => `${attempt} was lost with ${worker}`,
};

const causes: { readonly [K in TaskMove["cause"]["kind"]]: (worker: string) => string } = {
  other: () => "another event",
  "job-submitted": () => "a job was submitted",
  "inputs-arrived": () => "its input arrived",
  "inputs-missed": () => "its input did not arrive",
  "job-cancelled": () => "a job was cancelled",
  "worker-joined": (worker) => `${worker} joined`,
  "worker-lost": (worker) => `${worker} was lost`,
  "worker-resumed": (worker) => `${worker} accepted tasks again`,
  "worker-resized": (worker) => `${worker} changed its number of slots`,
  "attempts-started": (worker) => `${worker} reported what had begun`,
  "attempts-reported": (worker) => `${worker} reported finished attempts`,
  "time-passed": () => "a time limit or a pause was over",
  "coordinator-started": () => "the coordinator started",
};

export function moveText({ attempt, cause, kind, worker }: TaskMove): string {
  const what = moves[kind](`attempt ${attempt}`, worker);
  return `${what}, when ${causes[cause.kind](cause.worker ?? "a worker")} (event ${cause.event})`;
}
