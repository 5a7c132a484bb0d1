/** Names of things: opaque strings for people and logs, tuples of indexes for tasks and
 *  attempts. */

/** `j-1`, `j-2`, … in the order of submission; never reused. */
export type JobId = `j-${number}`;
/** `w-1`, … one per worker that ever joined; kept over reconnects, never reused. */
export type WorkerId = `w-${number}`;
/** Lowercase hex SHA-256 (64 characters): the name of a blob, and the root of a manifest. */
export type Hash = string;

/** One try to compute one task. `attempt` counts from 1, in shared jobs from any number, and is
 *  never reused, also not after a restart. */
export type AttemptRef = {
  readonly job: JobId;
  /** Index of the stage in `JobSpec.stages`. */
  readonly stage: number;
  /** Index of the task in its stage, from 0. */
  readonly task: number;
  readonly attempt: number;
};

export function jobId(number: number): JobId {
  return `j-${number}`;
}

export function workerId(number: number): WorkerId {
  return `w-${number}`;
}

/** The number inside `j-7` or `w-7`; NaN when the text is no such id. */
export function idNumber(id: string): number {
  // By hand, since it is asked several times for every report.
  const { length } = id;
  if (length < 3 || length > 17 || id[1] !== "-") return Number.NaN;
  if ((id[0] !== "j" && id[0] !== "w") || id[2] === "0") return Number.NaN;
  let number = 0;
  for (let at = 2; at < length; at++) {
    const digit = id.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** `j-7/0/12#3` for logs and map keys: job, stage, task, attempt. */
export function attemptKey(ref: AttemptRef): string {
  return `${ref.job}/${ref.stage}/${ref.task}#${ref.attempt}`;
}
