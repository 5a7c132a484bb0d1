/** What people read of one job: its status page and the summary at the end of a run. Pure. */
import type { Failure } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import { differenceText, disputeText, reasonText } from "../../core/why/reasons.ts";
import type { BadRecordsFile } from "../../sdk/collect.ts";
import { bytesText, countText, durationText, plural } from "../numbers.ts";
import { observe, stageLines } from "../progress.ts";
import { oneLine, safeText, table } from "../text.ts";

/** Lines of a stack that are worth showing. */
const stackLinesMax = 6;
/** A wait for workers that is worth showing: so long, ms, and this part of the whole. */
const waitLeastMs = 100;
const waitLeastShare = 0.1;

export function statusLines(job: JobSummary, width: number): string[] {
  const endMs = job.endedAtMs === 0 ? job.atMs : job.endedAtMs;
  const lines = [
    `${job.job}  ${oneLine(job.name)}  ${job.state}  ${durationText(endMs - job.submittedAtMs)}`,
    ...stageLines(observe(null, job), width).map((line) => `  ${line}`.slice(0, width)),
    ...stageNotes(job),
    ...trustNotes(job),
    ...auditNotes(job).map((line) => `  ${line}`),
    ...counterLines(job.counters),
  ];
  const { errors, failure } = job;
  const failed = failure === null ? [] : ["failed:", ...failureLines(failure)];
  const last = errors.length === 0 ? [] : ["last errors, newest first:"];
  const groups = groupedErrors(errors).flatMap((group) => {
    return [`  ${whereText(group)}`, ...failureLines(group[0] as TaskError)];
  });
  return [...lines, ...failed, ...last, ...groups];
}

type TaskError = JobSummary["errors"][number];

/** Equal ones together, in the order of the newest of each. */
function groupedErrors(errors: readonly TaskError[]): TaskError[][] {
  const groups = new Map<string, TaskError[]>();
  for (const error of errors) {
    const key = JSON.stringify([error.code, error.message, error.stack]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [error]);
    else group.push(error);
  }
  return [...groups.values()];
}

function whereText(group: readonly TaskError[]): string {
  const tasks = [...new Set(group.map((error) => error.task))].join(", ");
  const workers = [...new Set(group.map((error) => error.worker))].join(", ");
  return `${tasks} on ${workers}${group.length === 1 ? "" : `, ${group.length} times`}`;
}

function stageNotes(job: JobSummary): string[] {
  return job.stages.flatMap((stage) => {
    const parts = [
      stage.running > 0 ? `${countText(stage.running)} running` : "",
      stage.backups > 0 ? plural(stage.backups, "backup attempt") : "",
      (stage.tasksFailed ?? 0) > 0
        ? `${plural(stage.tasksFailed ?? 0, "task")} failed, without a result`
        : "",
      stage.attemptsFailed > 0 ? `${plural(stage.attemptsFailed, "attempt")} failed` : "",
      stage.attemptsLost > 0 ? `${plural(stage.attemptsLost, "attempt")} lost` : "",
      stage.outputRecords > 0
        ? `${plural(stage.outputRecords, "record")} out, ${bytesText(stage.outputBytes)}`
        : "",
    ].filter((part) => part !== "");
    return parts.length === 0 ? [] : [`  ${stage.kind}: ${parts.join(", ")}`];
  });
}

/** What became of the results of volunteers. */
function trustNotes(summary: JobSummary): string[] {
  const { disputes = [], doubtful = 0, job, recheck, undecided = 0 } = summary;
  const notes = disputes.map((one) => `  ${safeText(disputeText(one))}`);
  if (undecided > 0) {
    notes.push(`  ${plural(undecided, "result")} of volunteers not decided: tequio why ${job}`);
  }
  if (doubtful > 0) {
    notes.push(
      `  ${plural(doubtful, "task")} computed by volunteers that were caught later: ` +
        `tequio recheck ${job}`,
    );
  }
  if (recheck !== undefined) {
    const { changed, of, tasks } = recheck;
    notes.push(
      `  recheck of ${of}: ${plural(tasks, "doubtful task")}, ${countText(changed)} changed`,
    );
  }
  return notes;
}

/** Whether tasks gave the same result twice, or why there is nothing to compare. */
export function auditNotes({
  audit,
  unaudited,
}: Pick<JobSummary, "audit" | "unaudited">): string[] {
  const lacking = unaudited === undefined ? [] : [reasonText({ kind: unaudited })];
  if (audit === undefined) return lacking;
  const { differs, tasks } = audit;
  if (differs !== undefined) return [`not deterministic: ${safeText(differenceText(differs))}`];
  return [`${plural(tasks, "task")} computed twice, by two workers, with the same results`];
}

export function counterLines(counters: Readonly<Record<string, number>>): string[] {
  const rows = Object.entries(counters)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => [`  ${oneLine(name)}`, countText(value)]);
  return rows.length === 0 ? [] : ["counters:", ...table(["", ""], rows, [1]).slice(1)];
}

/** Code and message, then the stack: its positions are those of the job file. */
export function failureLines(failure: Failure): string[] {
  const stack = (failure.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, stackLinesMax);
  const message = safeText(failure.message).split("\n");
  return [
    `    ${failure.code}: ${message[0]}`,
    ...message.slice(1).map((line) => `    ${line}`),
    ...stack.map((line) => `      ${oneLine(line)}`),
  ];
}

export type Ended = {
  readonly name: string;
  readonly durationMs: number;
  /** Of it, until the first task began. */
  readonly waitedMs: number;
  readonly counters: Readonly<Record<string, number>>;
  /** Files of the result, in order; empty when it went to standard output. */
  readonly files: readonly string[];
  readonly dir: string;
  /** Null when they were not counted. */
  readonly records: number | null;
  readonly sizeBytes: number;
  /** Records that were set aside. */
  readonly bad: BadRecordsFile | null;
  /** How many bad records went nowhere, since the result went to standard output. */
  readonly leftOut: number;
  /** Of a list that kept going: tasks without a result; absent = none. */
  readonly tasksFailed?: number;
};

/** Without it the times of the stages contradict that of the job. */
function waitText({ durationMs, waitedMs }: Ended): string {
  const isMuch = waitedMs >= waitLeastMs && waitedMs >= waitLeastShare * durationMs;
  return isMuch ? `, ${durationText(waitedMs)} of it before its first task` : "";
}

/** The end of a successful run. */
export function endedLines(ended: Ended): string[] {
  const { files, dir, records, sizeBytes } = ended;
  const count = records === null ? "" : `${plural(records, "record")}, `;
  const made = count + bytesText(sizeBytes);
  const took = durationText(ended.durationMs) + waitText(ended);
  const lines = [`${oneLine(ended.name)} done in ${took}: ${made}`];
  if (files.length === 1) lines.push(`result: ${files[0]}`);
  else if (files.length > 1) lines.push(`result: ${files.length} files in ${dir}`);
  const { bad, tasksFailed = 0 } = ended;
  if (bad !== null) {
    const what = plural(bad.count, tasksFailed > 0 ? "failed task" : "bad record");
    lines.push(`${what} in ${bad.file}`);
  }
  if (ended.leftOut > 0) {
    const what = tasksFailed > 0 ? "failed tasks" : "bad records";
    lines.push(`${what} were left out: -o <folder> or --merge keeps them`);
  }
  return [...lines, ...counterLines(ended.counters)];
}
