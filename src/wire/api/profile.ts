/** Where a task spends its time, as it is kept with its job: functions and what they called, a flat
 *  list, so that no reader descends as deep as a writer likes. Pure; runs anywhere. */
import type { Hash, JobId } from "../../core/ids.ts";

/** A function where it was called: in the order of a walk from the root, callees behind their
 *  caller. */
export type ProfileFrame = readonly [
  /** 0 = the whole task, the first; its callees have one more. */
  depth: number,
  /** As `map`, or `tequio` for all code that is not the job's. */
  name: string,
  /** In the user's sources, as `words.ts:12`; "" = not the job's. */
  place: string,
  /** Within the function itself, and with all that it called, µs. */
  selfUs: number,
  totalUs: number,
];

export type TaskProfile = {
  readonly version: 1;
  /** Index of the stage, and the task in it. */
  readonly stage: number;
  readonly task: number;
  readonly samples: number;
  readonly frames: readonly ProfileFrame[];
};

/** Answer of `GET /v1/jobs/:job/profiles`, oldest first. */
export type Profiles = {
  readonly profiles: ReadonlyArray<{
    readonly stage: number;
    readonly task: number;
    /** Its blob: a `TaskProfile` as JSON. */
    readonly hash: Hash;
    readonly by: string;
    /** Coordinator's clock, ms. */
    readonly atMs: number;
  }>;
};

/** Answer of `POST /v1/jobs/:job/profiles`. */
export type ProfileKept = { readonly job: JobId; readonly hash: Hash };

export const profileLimits = {
  frames: 2_000,
  /** Of its JSON text. */
  bytes: 256 * 1024,
  /** Of a frame. */
  depth: 200,
  /** Of a name or a place, in characters. */
  text: 200,
} as const;

/** What is wrong with the tree that the frames are, in words; null = nothing. */
export function framesProblem(frames: readonly ProfileFrame[]): string | null {
  /** Time of each frame on the way that its callees have not taken. */
  const left: number[] = [];
  for (const [at, [depth, name, , selfUs, totalUs]] of frames.entries()) {
    const isRoot = at === 0;
    if (isRoot !== (depth === 0) || depth > left.length) {
      return `frame ${at} (${name}) has depth ${depth} behind one of ${left.length - 1}`;
    }
    left.length = depth;
    const above = left[depth - 1] ?? totalUs;
    if (selfUs > totalUs || totalUs > above) {
      return `frame ${at} (${name}) takes more time than what it is part of`;
    }
    if (depth > 0) left[depth - 1] = above - totalUs;
    left.push(totalUs - selfUs);
  }
  return frames.length === 0 ? "it has no frame" : null;
}

/** Of each function, wherever it was called from; a recursive one counts once. */
export type Spent = {
  readonly name: string;
  readonly place: string;
  selfUs: number;
  totalUs: number;
};

/** The most time of their own first; without the first frame, which is the whole. */
export function spentBy(frames: readonly ProfileFrame[]): Spent[] {
  const all = new Map<string, Spent>();
  const callers: string[] = [];
  for (const [depth, name, place, selfUs, totalUs] of frames) {
    const key = `${name} ${place}`;
    callers.length = depth;
    const isWithin = callers.indexOf(key, 1) !== -1;
    callers.push(key);
    if (depth === 0) continue;
    const spent = all.get(key) ?? { name, place, selfUs: 0, totalUs: 0 };
    all.set(key, spent);
    spent.selfUs += selfUs;
    if (!isWithin) spent.totalUs += totalUs;
  }
  return [...all.values()].sort((a, b) => b.selfUs - a.selfUs);
}
