/** What `tequio scale` starts workers with: the interface of this machine, ssh, Slurm and
 *  Kubernetes. */

/** One worker that was asked for. */
export type Unit = {
  /** As its scheduler names it. */
  readonly id: string;
  /** The name that it has as a worker. */
  readonly worker: string;
  /** pending: it has been asked for, and does not run yet · leaving: it was asked to leave. */
  readonly state: "pending" | "running" | "leaving";
};

export type Scheduler = {
  /** What it would submit for `count` workers, for people; without the token. */
  script(count: number): string;
  /** Those that were started for this coordinator, also by an earlier run where that can be
   *  known. */
  units(): Promise<readonly Unit[]>;
  /** Resolves when they are asked for, at once where the scheduler can, with how many that are:
   *  fewer, or none, while it holds back those that would fail again. */
  start(count: number): Promise<number>;
  /** Asks them to leave, and waits for no more than that they were asked. */
  end(units: readonly Unit[]): Promise<void>;
  /** All of them; waits until they have left, for at most `graceMs`. */
  close(graceMs: number): Promise<void>;
};

/** Where workers go, and what they are. */
export type WorkerTerms = {
  readonly url: string;
  readonly fingerprint: string;
  /** For joining; never on a command line. */
  readonly token: string;
  /** The program, as words of a shell. */
  readonly program: string;
  readonly slots: number;
  /** Time to end what it runs, s: at least 1. */
  readonly drainS: number;
  /** It leaves by then, s; null = it stays. */
  readonly lifetimeS: number | null;
  /** More words for `join`. */
  readonly more: readonly string[];
};
