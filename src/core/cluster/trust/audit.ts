/** Tasks that are computed a second time to see whether a job is deterministic: data only. */

/** A task whose result is to be compared with another. */
export type Sampled = {
  readonly job: number;
  readonly stage: number;
  readonly task: number;
  /** Of the result that counts. */
  readonly attempt: number;
  readonly worker: number;
  /** Of that worker: results are compared within one where the job depends on it. */
  readonly engine: string;
  /** Times that the second attempt was begun. */
  readonly tries: number;
  /** Of a volunteer's result: an own worker has found another one, of this mark, and computes it
   *  once more before the volunteer is called a liar. */
  readonly suspect?: string;
};

/** A second attempt that runs. */
export type Audit = Sampled & {
  readonly second: { readonly attempt: number; readonly worker: number };
};

/** Two results of one task. */
export type Difference = {
  readonly stage: number;
  readonly task: number;
  /** Worker and attempt of each: of the result that counts, and of the other. */
  readonly first: { readonly worker: number; readonly attempt: number };
  readonly second: { readonly worker: number; readonly attempt: number };
  /** The first record in which they differ, when that is known. */
  readonly record?: DifferentRecord;
};

/** Characters of a record that are kept. */
export const recordTextMax = 200;

export type DifferentRecord = {
  /** Of the task's output, from 0; absent = the task has one partition, or its output is final. */
  readonly partition?: number;
  /** Of the partition or the output, from 0. */
  readonly number: number;
  /** As text, cut to 200 characters; "" = there is none at that place. */
  readonly first: string;
  readonly second: string;
};

/** What is known of one job; absent of jobs without sampled tasks. */
export type JobAudit = {
  /** To be computed again, in the order in which they were drawn. */
  readonly wanted: Sampled[];
  /** Tasks that gave the same result twice. */
  same: number;
  /** The first that did not. */
  differs?: Difference;
};

export type Audits = {
  /** Share of the tasks that are computed a second time, 0 to 1. */
  share: number;
  /** Jobs with `wanted` tasks, in the order in which they came. */
  readonly jobs: Set<number>;
  /** By worker. They hold no lease: what else the worker is given goes before. */
  readonly running: Map<number, Audit[]>;
};

export function noAudits(): Audits {
  return { share: 0, jobs: new Set(), running: new Map() };
}

export type SavedAudits = {
  readonly share: number;
  readonly jobs: readonly number[];
  readonly running: ReadonlyArray<[number, readonly Audit[]]>;
};

export function saveAudits({ jobs, running, share }: Audits): SavedAudits {
  return { share, jobs: [...jobs], running: [...running] };
}

/** `saved` is absent in snapshots from before there were audits. */
export function loadAudits(saved: SavedAudits | undefined): Audits {
  if (saved === undefined) return noAudits();
  const running = saved.running.map(([worker, all]): [number, Audit[]] => [worker, [...all]]);
  return { share: saved.share, jobs: new Set(saved.jobs), running: new Map(running) };
}
