/** The ended jobs in order of their ends, with the sizes that count against the bounds; saved with
 *  the rest of the state. */
import type { JobState, TaskOutput } from "../../job.ts";

/** age: its time was over · bytes: results had no more room · records: too many ended jobs for the
 *  memory · disk: the disk was nearly full. */
export type RemovedWhy = "age" | "bytes" | "records" | "disk";

export type RemovedJob = {
  readonly owner: string;
  /** Null when it was made up for one submission, or there was none. */
  readonly key: string | null;
  readonly digest: string;
  readonly endedAtMs: number;
  readonly removedAtMs: number;
  readonly why: RemovedWhy;
};

/** What a job, and each of its tasks, takes in memory and in a snapshot, about. */
const jobBytes = 2_048;
const taskBytes = 100;
/** The same for where a long result lies, besides. */
const pageBytes = 200;

export type EndedJob = { readonly resultBytes: number; readonly recordBytes: number };

export type Retained = {
  /** False until a coordinator has started that removes by time and bytes. */
  isTimed: boolean;
  /** In order of their ends. */
  readonly ended: Map<number, EndedJob>;
  readonly fetched: Set<number>;
  /** Sums over `ended`. */
  resultBytes: number;
  recordBytes: number;
  /** Before this no job goes by age: a start found the clock far ahead. */
  ageFromMs: number;
  /** In order of their removal. */
  readonly keyed: Map<number, RemovedJob>;
  readonly unkeyed: Map<number, RemovedJob>;
};

export function nothingRetained(): Retained {
  return {
    isTimed: false,
    ended: new Map(),
    fetched: new Set(),
    resultBytes: 0,
    recordBytes: 0,
    ageFromMs: 0,
    keyed: new Map(),
    unkeyed: new Map(),
  };
}

/** A job, as far as its size and its end go. */
type Sized = {
  readonly number: number;
  readonly state: JobState;
  readonly endedAtMs: number;
  readonly stages: ReadonlyArray<{
    readonly spec: { readonly taskCount: number; readonly partitionCount: number };
    readonly outputs: ReadonlyArray<TaskOutput | null>;
  }>;
};

export function addEnded(retained: Retained, job: Sized): void {
  let resultBytes = 0;
  let recordBytes = jobBytes;
  for (const stage of job.stages) {
    recordBytes += stage.spec.taskCount * taskBytes;
    for (const output of stage.outputs) {
      if (output === null) continue;
      recordBytes += output.value?.length ?? 0;
      if (output.page !== undefined) recordBytes += pageBytes;
      if (stage.spec.partitionCount === 0 && output.root !== "") resultBytes += output.sizeBytes;
    }
  }
  retained.ended.set(job.number, { resultBytes, recordBytes });
  retained.resultBytes += resultBytes;
  retained.recordBytes += recordBytes;
}

export type SavedRetained = {
  readonly isTimed: boolean;
  readonly ended: readonly number[];
  readonly fetched: readonly number[];
  readonly ageFromMs: number;
  readonly keyed: ReadonlyArray<[number, RemovedJob]>;
  readonly unkeyed: ReadonlyArray<[number, RemovedJob]>;
};

export function saveRetained(retained: Retained): SavedRetained {
  const { ageFromMs, ended, fetched, isTimed, keyed, unkeyed } = retained;
  const lists = { keyed: [...keyed], unkeyed: [...unkeyed] };
  return { isTimed, ended: [...ended.keys()], fetched: [...fetched], ageFromMs, ...lists };
}

/** `saved` is absent in snapshots from before there were bounds. */
export function loadRetained(
  saved: SavedRetained | undefined,
  jobs: ReadonlyMap<number, Sized>,
): Retained {
  const retained = nothingRetained();
  const all = [...jobs.values()].filter((job) => job.state !== "running");
  const ended =
    saved?.ended.map((number) => jobs.get(number) as Sized) ??
    all.sort((a, b) => a.endedAtMs - b.endedAtMs || a.number - b.number);
  for (const job of ended) addEnded(retained, job);
  if (saved === undefined) return retained;
  for (const number of saved.fetched) retained.fetched.add(number);
  for (const [number, one] of saved.keyed) retained.keyed.set(number, one);
  for (const [number, one] of saved.unkeyed) retained.unkeyed.set(number, one);
  return Object.assign(retained, { isTimed: saved.isTimed, ageFromMs: saved.ageFromMs });
}
