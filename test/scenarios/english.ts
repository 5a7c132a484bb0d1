/** What the coordinator orders, and what it knows, in sentences for the stories. */
import type { Effect } from "../../src/core/effect.ts";
import type { AttemptRef, JobId, WorkerId } from "../../src/core/ids.ts";
import {
  jobOutputs,
  jobProfiles,
  jobSummary,
  stageSources,
  workerSummaries,
} from "../../src/core/view.ts";
import { lostText, reasonText } from "../../src/core/why/reasons.ts";
import { whyJob } from "../../src/core/why/why.ts";
import type { StoryCluster } from "./cluster.ts";

export function workerName(worker: WorkerId): string {
  return `worker ${worker.slice(2)}`;
}

export function jobName(job: JobId): string {
  return `job ${job.slice(2)}`;
}

/** `map 3 of job 1, attempt 2`, or of a run of tasks `tasks 0 to 9 of job 1, attempt 1`. */
function attemptsText(cluster: StoryCluster, refs: readonly AttemptRef[]): string[] {
  const runs: AttemptRef[][] = [];
  for (const ref of refs) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && last !== undefined && follows(last, ref)) run.push(ref);
    else runs.push([ref]);
  }
  return runs.map((run) => {
    const [{ attempt, job, task }] = run as [AttemptRef];
    const noun = cluster.nounOf(run[0] as AttemptRef);
    const last = task + run.length - 1;
    const which = run.length === 1 ? `${noun} ${task}` : `${noun}s ${task} to ${last}`;
    return `${which} of ${jobName(job)}, attempt ${attempt}`;
  });
}

function follows(last: AttemptRef, next: AttemptRef): boolean {
  const isSameStage = last.job === next.job && last.stage === next.stage;
  return isSameStage && last.attempt === next.attempt && next.task === last.task + 1;
}

/** One line or more for each effect that a reader wants to see. */
export function effectLines(
  cluster: StoryCluster,
  effects: readonly Effect[],
  states: Map<JobId, string>,
): string[] {
  return effects.flatMap((effect) => linesOf(cluster, effect, states));
}

function linesOf(cluster: StoryCluster, effect: Effect, states: Map<JobId, string>): string[] {
  switch (effect.kind) {
    case "open-job":
      return [`${workerName(effect.worker)} opens ${jobName(effect.job)}`];
    case "close-job":
      return [`${workerName(effect.worker)} closes ${jobName(effect.job)}`];
    case "send-sources":
      return [
        `${workerName(effect.worker)} receives where the map outputs of ` +
          `${jobName(effect.job)} are: ${sourcesText(cluster, effect.job, effect.stage)}`,
      ];
    case "assign": {
      const { attempts, job, stage, worker } = effect;
      const refs = attempts.map((one) => ({ job, stage, ...one }));
      return attemptsText(cluster, refs).map((text) => `${text} -> ${workerName(worker)}`);
    }
    case "abort":
      return attemptsText(cluster, effect.attempts).map((text) => {
        return `${text} is aborted on ${workerName(effect.worker)}`;
      });
    case "take-back":
      return attemptsText(cluster, effect.attempts).map((text) => {
        return `${workerName(effect.worker)} is asked to return ${text}`;
      });
    case "refuse":
      return [`rejected: ${plain(effect.error.message)}`];
    case "drop-blobs":
      return [`the blobs of ${jobName(effect.job)} are deleted`];
    case "job-changed":
      return changeLines(cluster, effect.job, states);
    default:
      return [];
  }
}

/** A job is news when its state has changed. */
function changeLines(cluster: StoryCluster, job: JobId, states: Map<JobId, string>): string[] {
  const summary = jobSummary(cluster.state, job, cluster.atMs);
  const before = states.get(job) ?? "running";
  if (summary === null || before === summary.state) return [];
  states.set(job, summary.state);
  if (summary.failure === null) return [`${jobName(job)} is ${summary.state}`];
  const { code, message } = summary.failure;
  return [`${jobName(job)} has failed: ${code}: ${plain(message)}`];
}

/** Ids as the stories write them. */
export function plain(text: string): string {
  return text.replaceAll(/\b(?:job )?j-(\d+)/g, "job $1").replaceAll(/\bw-(\d+)/g, "worker $1");
}

function sourcesText(cluster: StoryCluster, job: JobId, stage: number): string {
  const sources = stageSources(cluster.state, job, stage).map((source, task) => {
    if (source === null) return `map ${task} nowhere`;
    return `map ${task} ${source.worker === null ? "the coordinator" : workerName(source.worker)}`;
  });
  return sources.join(", ");
}

export function jobLines(cluster: StoryCluster, job: JobId): string[] {
  const summary = jobSummary(cluster.state, job, cluster.atMs);
  if (summary === null) return [`${jobName(job)} is unknown`];
  const lines = [`${jobName(job)} of ${summary.owner} is ${summary.state}`];
  for (const stage of summary.stages) {
    const { attemptsFailed, attemptsLost, backups, done, ready, running, waiting } = stage;
    const counts = { waiting, ready, running, done };
    const ends = { "failed attempts": attemptsFailed, "lost attempts": attemptsLost, backups };
    const shown = [
      ...Object.entries(counts).map(([what, n]) => (n > 0 ? `${n} ${what}` : "")),
      ...Object.entries(ends).map(([what, n]) => (n > 0 ? `${what} ${n}` : "")),
    ];
    lines.push(`  ${stage.kind}: ${shown.filter((one) => one !== "").join(", ") || "no tasks"}`);
  }
  const counters = Object.entries(summary.counters).map(([name, count]) => `${name} ${count}`);
  if (counters.length > 0) lines.push(`  counters: ${counters.join(", ")}`);
  if (summary.waitingFor !== "") lines.push(`  waiting: ${plain(summary.waitingFor)}`);
  return lines;
}

export function profileLines(cluster: StoryCluster, job: JobId): string[] {
  const lines = (jobProfiles(cluster.state, job) ?? []).map(
    ({ atMs, by, profile, stage, task }) => {
      return `profile ${profile} of task ${task} in stage ${stage}, by ${by} at ${atMs} ms`;
    },
  );
  return lines.length > 0 ? lines : [`${jobName(job)} has no profile`];
}

export function outputLines(cluster: StoryCluster, job: JobId): string[] {
  return jobOutputs(cluster.state, job).map((output, task) => {
    return `output ${task} of ${jobName(job)}: ${output === null ? "none" : output.root}`;
  });
}

export function sourceLines(cluster: StoryCluster, job: JobId): string[] {
  return sourcesText(cluster, job, 0).split(", ");
}

export function workerLines(cluster: StoryCluster): string[] {
  return workerSummaries(cluster.state).map((one) => {
    const { paused, queued = 0, running, slots, state } = one;
    const why = paused === "" ? "" : `, paused: ${paused}`;
    const waits = queued > 0 ? `, ${queued} queued` : "";
    if (one.lost !== undefined) {
      const { forMs } = one.lost;
      return `${workerName(one.worker)} is lost for ${forMs} ms: ${lostText(one.lost)}`;
    }
    return `${workerName(one.worker)} is ${state}: ${running} of ${slots} slots${waits}${why}`;
  });
}

export function whyLines(cluster: StoryCluster, job: JobId): string[] {
  return (whyJob(cluster.state, job, cluster.atMs) ?? []).map(reasonText).map(plain);
}
