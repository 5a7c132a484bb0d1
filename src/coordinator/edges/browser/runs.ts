/** Tasks as a tab sees them: one number (tid) for one attempt, or for several short ones of a list
 *  of tasks. */
import { type AttemptRef, attemptKey, idNumber, type JobId } from "../../../core/ids.ts";
import type { TaskType } from "../../../wire/browser/messages.ts";

export type TabRun = {
  readonly tid: number;
  readonly type: TaskType;
  readonly job: JobId;
  readonly stage: number;
  /** Attempts that are still wanted and not reported, by task. */
  readonly attempts: Map<number, number>;
  /** Opens the data of these attempts; see `data.ts`. */
  readonly ticket: string;
  readonly givenAtMs: number;
  /** Map tasks whose partitions it requested without success: basic browsers cannot name them. With
   *  the attempt whose output was damaged, or "". */
  readonly missed: Map<number, string>;
  /** Its end is being logged. */
  ending: boolean;
};

/** For attempts of one stage, at least one. */
export function newRun(
  of: Pick<TabRun, "tid" | "type" | "ticket" | "givenAtMs">,
  refs: readonly AttemptRef[],
): TabRun {
  const { job, stage } = refs[0] as AttemptRef;
  const attempts = new Map(refs.map(({ attempt, task }) => [task, attempt]));
  return { ...of, job, stage, attempts, missed: new Map(), ending: false };
}

/** `j-1/0/5#2,j-1/0/6#1`: the same after a restart of coordinator or tab. */
export function refText(attempts: readonly AttemptRef[]): string {
  return attempts.map(attemptKey).join(",");
}

/** Null when the text is malformed, or names more than one job or stage. */
export function parseRefs(text: string): AttemptRef[] | null {
  const refs: AttemptRef[] = [];
  for (const part of text.split(",")) {
    const found = /^(j-\d{1,15})\/(\d{1,3})\/(\d{1,10})#(\d{1,10})$/.exec(part);
    if (found === null || Number.isNaN(idNumber(found[1]!))) return null;
    const [stage, task, attempt] = found.slice(2).map(Number) as [number, number, number];
    refs.push({ job: found[1] as JobId, stage, task, attempt });
  }
  const [first] = refs;
  const isOne = refs.every((ref) => ref.job === first?.job && ref.stage === first.stage);
  return isOne ? refs : null;
}

export function refsOf(run: TabRun): AttemptRef[] {
  const { job, stage } = run;
  return [...run.attempts].map(([task, attempt]) => ({ job, stage, task, attempt }));
}
