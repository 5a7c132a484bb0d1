/** Prints of a job that runs and in which nothing happens what that may be: a promise that never
 *  settles looks like a long computation. */
import type { JobSummary } from "../../core/summary.ts";

/** How long nothing changes until that is printed, ms: as `tequio why` names a long attempt. */
const quietMs = 60_000;

type Options = {
  readonly say: (line: string) => void;
  /** What asks for more, `tequio why j-7`; null = no other command reaches the cluster. */
  readonly why: string | null;
};

export class Standstill {
  readonly #options: Options;
  #timer: NodeJS.Timeout | undefined;
  #seen = "";

  constructor(options: Options) {
    this.#options = options;
  }

  /** To be called with each summary. One that waits for something says that itself. */
  observe({ stages, state, waitingFor }: JobSummary): void {
    const counts = stages.map(({ done, inputBytesDone, running, attemptsFailed, attemptsLost }) =>
      [done, inputBytesDone, running, attemptsFailed, attemptsLost].join(),
    );
    const seen = [state, waitingFor, ...counts].join(";");
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.end();
    const running = stages.reduce((sum, stage) => sum + stage.running, 0);
    if (state !== "running" || waitingFor !== "" || running === 0) return;
    this.#timer = setTimeout(() => this.#options.say(this.#text(running)), quietMs);
    this.#timer.unref();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #text(running: number): string {
    const { why } = this.#options;
    const tasks = running === 1 ? "the task that runs" : `the ${running} tasks that run`;
    const text = `nothing has changed for ${quietMs / 1_000} s: ${tasks} may compute, or wait for`;
    const hint = `${text} a promise that never settles; a job with timeoutMs ends such calls`;
    return why === null ? `${hint}, and Ctrl-C this job` : `${hint}; ask \`${why}\``;
  }
}
