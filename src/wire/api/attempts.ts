/** The attempts of a job as they are told to people: seven numbers each, since there may be a
 *  hundred thousand. */

/** done: committed · failed: its own error · lost: with its worker · stopped: another attempt was
 *  first, or the job ended, or it ran past its limit. The order is that of the numbers. */
export const attemptOutcomes = ["running", "done", "failed", "lost", "stopped"] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

/** Numbers of one attempt: stage, task, attempt, worker (of `w-7` the 7), start and length in whole
 *  ms since `originMs`, and outcome + 8 for a backup. */
export const attemptNumbers = 7;

export type Attempts = {
  /** Coordinator's clock: when the job came, or when its history begins. */
  readonly originMs: number;
  /** The history does not reach back to the job's start: the coordinator has started since, or
   *  there were more attempts than are kept. */
  readonly partial: boolean;
  /** For `?after=`: attempts that end from now on. A lower number than was asked with: the
   *  coordinator has started anew, and all are told again. */
  readonly next: number;
  /** More has ended already: ask again at once. */
  readonly more: boolean;
  /** Since `after`, in the order of their ends. */
  readonly ended: readonly number[];
  /** All that run now, at most 10,000; their length is until now. */
  readonly running: readonly number[];
};
