/** Progress of a job as lines of text: pure, from summaries to strings; `screen.ts` puts them
 *  somewhere. */
import type { JobSummary, StageSummary } from "../core/summary.ts";
import { bytesText, countText, durationText, rateText } from "./numbers.ts";
import { columnsOf, cut, oneLine, padTo } from "./text.ts";

/** The counts of each stage in one summary, kept to compute the recent speed. */
type Sample = {
  readonly atMs: number;
  readonly stages: ReadonlyArray<{ readonly done: number; readonly bytesDone: number }>;
};

export type Progress = {
  readonly summary: JobSummary;
  readonly samples: readonly Sample[];
  /** Of each stage: time left, ms, smoothed; null when it is not known. */
  readonly leftMs: ReadonlyArray<number | null>;
};

/** Speed is measured over this much of the past, in ms: long enough to be calm, short enough to be
 *  true. */
export const rateWindowMs = 10_000;
const samplesMax = 128;
/** An estimate follows what was measured within about this time, ms: one that jumps is not
 *  believed. */
const calmMs = 8_000;
/** Less is no measurement: a stage that has run for so long, ms, or of which so much is done. */
const knownAfterMs = 2_000;
const knownPart = 0.05;

/** Folds one more summary in; `null` starts. The only clock is the summary's own. */
export function observe(progress: Progress | null, summary: JobSummary): Progress {
  const sample: Sample = {
    atMs: summary.atMs,
    stages: summary.stages.map((s) => ({ done: s.done, bytesDone: s.inputBytesDone })),
  };
  // While the coordinator was away nothing was reported.
  const { upSinceMs = 0 } = summary;
  const kept = (progress?.samples ?? []).filter(
    (s) => s.atMs < summary.atMs && s.atMs >= upSinceMs,
  );
  // One sample older than the window stays as its left edge.
  const first = kept.findLastIndex((s) => s.atMs <= summary.atMs - rateWindowMs);
  const recent = kept.slice(Math.max(0, first));
  // Too dense: drop every other one but keep both edges.
  const thin = recent.length < samplesMax ? recent : recent.filter((_, i) => i % 2 === 0);
  const measured = { summary, samples: [...thin, sample], leftMs: [] };
  const leftMs = summary.stages.map((_, index) => smoothed(progress, measured, index));
  return { ...measured, leftMs };
}

/** In proportion: half of it is as far from the measured time left as twice of it. */
function smoothed(before: Progress | null, measured: Progress, index: number): number | null {
  const { etaMs: newMs } = stageSpeed(measured, index);
  const oldMs = before?.leftMs[index] ?? null;
  if (newMs === null || before === null || oldMs === null) return newMs;
  const passedMs = Math.max(0, measured.summary.atMs - before.summary.atMs);
  const weight = 1 - Math.exp(-passedMs / calmMs);
  const expectedMs = Math.max(1, oldMs - passedMs);
  return Math.exp(weight * Math.log(Math.max(1, newMs)) + (1 - weight) * Math.log(expectedMs));
}

export type StageSpeed = {
  readonly tasksPerS: number;
  readonly bytesPerS: number;
  /** ms to the end of the stage at this speed; null when that is not known. */
  readonly etaMs: number | null;
};

/** Recent speed of a running stage, overall speed of an ended one. */
export function stageSpeed(progress: Progress, index: number): StageSpeed {
  const none = { tasksPerS: 0, bytesPerS: 0, etaMs: null };
  const stage = progress.summary.stages[index];
  if (stage === undefined || stage.startedAtMs === 0) return none;
  const { summary } = progress;
  if (stage.endedAtMs !== 0 || summary.state !== "running") {
    const endMs = stage.endedAtMs || summary.endedAtMs || summary.atMs;
    const seconds = Math.max(1, endMs - stage.startedAtMs) / 1000;
    return {
      tasksPerS: stage.done / seconds,
      bytesPerS: stage.inputBytesDone / seconds,
      etaMs: null,
    };
  }
  const last = progress.samples.at(-1);
  if (last === undefined) return none;
  const since = startOfWindow(progress, index, stage);
  const seconds = (last.atMs - since.atMs) / 1000;
  if (seconds < 0.05) return none;
  const tasksPerS = Math.max(0, stage.done - since.done) / seconds;
  const bytesPerS = Math.max(0, stage.inputBytesDone - since.bytesDone) / seconds;
  // After a restart all that was finished meanwhile is reported at once.
  const { upSinceMs = 0 } = summary;
  const isEnough = stage.startedAtMs >= upSinceMs && stage.done >= knownPart * stage.taskCount;
  const beganAtMs = Math.max(stage.startedAtMs, upSinceMs);
  const isKnown = isEnough || last.atMs - beganAtMs >= knownAfterMs;
  return { tasksPerS, bytesPerS, etaMs: isKnown ? etaMs(stage, tasksPerS, bytesPerS) : null };
}

/** Left edge of the window: the stage's start, when nothing was done, or the oldest sample kept. */
function startOfWindow(progress: Progress, index: number, stage: StageSummary) {
  const oldest = progress.samples[0];
  const { atMs, upSinceMs = 0 } = progress.summary;
  const isNew = stage.startedAtMs >= Math.max(atMs - rateWindowMs, upSinceMs);
  if (oldest === undefined || isNew) {
    return { atMs: stage.startedAtMs, done: 0, bytesDone: 0 };
  }
  const then = oldest.stages[index];
  return { atMs: oldest.atMs, done: then?.done ?? 0, bytesDone: then?.bytesDone ?? 0 };
}

function etaMs(stage: StageSummary, tasksPerS: number, bytesPerS: number): number | null {
  if (stage.done >= stage.taskCount) return null;
  if (stage.inputBytes > 0 && bytesPerS > 0) {
    return (Math.max(0, stage.inputBytes - stage.inputBytesDone) / bytesPerS) * 1000;
  }
  return tasksPerS > 0 ? ((stage.taskCount - stage.done) / tasksPerS) * 1000 : null;
}

/** Of the longest of them. */
function widthOf(texts: readonly string[]): number {
  return texts.reduce((most, text) => Math.max(most, text.length), 0);
}

/** A line per stage, none wider than `width` columns. */
export function stageLines(progress: Progress, width: number): string[] {
  const { stages, waitingFor } = progress.summary;
  const nameWidth = widthOf(stages.map(({ kind }) => kind));
  const countWidth = widthOf(stages.map(doneText));
  const lines = stages.map((stage, i) => {
    const head = `${padTo(stage.kind, nameWidth)}  `;
    const counts = `${doneText(stage).padStart(countWidth)} tasks`;
    const tail = [counts, ...stageNotes(progress, i)].join("  ");
    const barWidth = Math.min(24, width - columnsOf(head) - columnsOf(tail) - 2);
    const bar = barWidth >= 8 ? `${barText(fraction(stage), barWidth)}  ` : "";
    return cut(head + bar + tail, width);
  });
  if (waitingFor !== "") lines.push(cut(`waits: ${oneLine(waitingFor)}`, width));
  return lines;
}

/** The same on one line, for logs: no bar, no padding. */
export function plainLine(progress: Progress): string {
  const { job, stages, waitingFor } = progress.summary;
  const parts = stages
    .map((stage, i) => ({ stage, i }))
    .filter(({ stage, i }) => stage.startedAtMs !== 0 || i === 0)
    .map(({ stage, i }) =>
      [`${stage.kind} ${doneText(stage)} tasks`, ...stageNotes(progress, i)].join(", "),
    );
  if (waitingFor !== "") parts.push(`waits: ${oneLine(waitingFor)}`);
  return `${job}: ${parts.join("; ")}`;
}

function doneText(stage: StageSummary): string {
  return `${countText(stage.done)}/${countText(stage.taskCount)}`;
}

/** Part of the stage that is done, 0 to 1, by bytes when they are known. */
function fraction(stage: StageSummary): number {
  if (stage.done >= stage.taskCount) return 1;
  const part =
    stage.inputBytes > 0
      ? Math.max(stage.inputBytesDone / stage.inputBytes, 0)
      : stage.done / stage.taskCount;
  return Math.min(1, part);
}

function barText(part: number, width: number): string {
  const full = Math.floor(part * width);
  return "█".repeat(full) + "░".repeat(width - full);
}

/** Speed, then what is left or what it took, then what went wrong. */
function stageNotes(progress: Progress, index: number): string[] {
  const stage = progress.summary.stages[index] as StageSummary;
  const notes: string[] = [];
  const speed = stageSpeed(progress, index);
  if (speed.bytesPerS > 0) notes.push(rateText(speed.bytesPerS));
  else if (speed.tasksPerS > 0) notes.push(tasksRateText(speed.tasksPerS));
  if (stage.endedAtMs !== 0 && stage.startedAtMs !== 0) {
    notes.push(`in ${durationText(stage.endedAtMs - stage.startedAtMs)}`);
    if (stage.inputBytesDone > 0) notes.push(bytesText(stage.inputBytesDone));
  } else {
    const leftMs = progress.leftMs[index] ?? null;
    if (leftMs !== null) notes.push(`about ${leftText(leftMs)} left`);
  }
  const { attemptsFailed, attemptsLost } = stage;
  if (attemptsFailed > 0) notes.push(`${countText(attemptsFailed)} failed`);
  if (attemptsLost > 0) notes.push(`${countText(attemptsLost)} lost`);
  return notes;
}

function tasksRateText(tasksPerS: number): string {
  return `${tasksPerS < 10 ? tasksPerS.toFixed(1) : countText(tasksPerS)} tasks/s`;
}

/** Whole seconds, and of more than a minute tens of them: the rest of a guess is noise. */
function leftText(ms: number): string {
  // What is computed as 28 s may be a hair more.
  const seconds = Math.max(1, Math.ceil(ms / 1000 - 0.001));
  return seconds < 60 ? `${seconds} s` : durationText(Math.round(seconds / 10) * 10_000);
}
