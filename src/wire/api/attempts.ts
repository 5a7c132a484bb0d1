/** The attempts of a job as people see them: seven numbers each, since there may be a hundred
 *  thousand. */

/** done: committed · failed: its own error · lost: with its worker · stopped: another attempt
 *  finished first, or the job ended, or it ran past its limit. The order is that of the numbers. */
export const attemptOutcomes = ["running", "done", "failed", "lost", "stopped"] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** Numbers of one attempt: stage, task, attempt, worker (7 for `w-7`), start and length in whole ms
 *  since `originMs`, and outcome + 8 for a backup. */
export const attemptNumbers = 7;

export type Attempts = {
  /** Coordinator's clock: when the job was submitted, or when its history begins. */
  readonly originMs: number;
  /** The history does not reach back to the job's start: the coordinator was restarted since, or
   *  there were more attempts than are kept. */
  readonly partial: boolean;
  /** For `?after=`: attempts that end from now on. A lower number than was requested: the
   *  coordinator was restarted, and all attempts are sent again. */
  readonly next: number;
  /** There are more ended attempts: request again at once. */
  readonly more: boolean;
  /** Attempts that ended since `after`, in the order of their ends. */
  readonly ended: readonly number[];
  /** All running attempts, at most 10,000; their length is until now. */
  readonly running: readonly number[];
  /** Of the workers above, two numbers each: worker (7 for `w-7`) and slots. Absent at older
   *  coordinators. */
  readonly slots?: readonly number[];
};
