/** The relayed outputs that are kept, wherever their bytes lie. Apart from the files, so that the
 *  simulation has the same rules on a disk of its own.
 *
 *  1. An output is kept, and its upload is answered, once all of it is written and checked; from
 *     then on it never changes.
 *  2. An upload for an attempt that has ended leaves nothing.
 *  3. It is removed with its job, never before; a start removes the outputs of ended jobs. */
import { ClusterError } from "../../core/error.ts";
import { type AttemptRef, attemptKey, type Hash, type JobId } from "../../core/ids.ts";
import type { JobState } from "../../core/job.ts";

/** An output being written, which is not visible yet. */
export type Writing<O> = {
  readonly root: Hash;
  /** Settles when all of it is written and verified. */
  readonly written: Promise<void>;
  /** Puts it in its place, synchronously, so that neither attempt nor job can end meanwhile. */
  readonly publish: () => O;
  /** Removes what is written of it. */
  readonly discard: () => Promise<void>;
};

/** Where the bytes lie. */
export type OutputFiles<O> = {
  /** Outputs that an earlier run of the coordinator kept, complete ones only. */
  readonly load: () => Iterable<readonly [AttemptRef, O]>;
  /** Jobs that have outputs there. */
  readonly jobs: () => Iterable<JobId>;
  /** Removes all outputs of a job. May be called twice. */
  readonly remove: (job: JobId) => Promise<void>;
};

export class KeptOutputs<O extends { readonly root: Hash }> {
  readonly #files: OutputFiles<O>;
  readonly #outputs = new Map<string, O>();

  constructor(files: OutputFiles<O>) {
    this.#files = files;
    for (const [ref, output] of files.load()) this.#outputs.set(attemptKey(ref), output);
  }

  get(ref: AttemptRef): O | null {
    return this.#outputs.get(attemptKey(ref)) ?? null;
  }

  /** `isWanted`: whether the attempt may still upload it, checked when all of it has arrived; if
   *  not, the answer is `not-found`. Other bytes than before are a `conflict`. */
  async keep(ref: AttemptRef, writing: Writing<O>, isWanted: () => boolean): Promise<O> {
    const key = attemptKey(ref);
    try {
      await writing.written;
      if (!isWanted()) throw over(key);
      return this.#publish(key, writing);
    } catch (error) {
      await writing.discard();
      throw isWanted() ? error : over(key);
    }
  }

  #publish(key: string, { publish, root }: Writing<O>): O {
    const before = this.#outputs.get(key);
    if (before !== undefined && before.root !== root) {
      throw new ClusterError("conflict", `${key} has uploaded another output before`);
    }
    const output = publish();
    this.#outputs.set(key, output);
    return output;
  }

  /** At a start: removes jobs that are not in `running`. `confirm` resolves when all that is in the
   *  log is known, and rejects when another coordinator has the log: a coordinator that was paused
   *  in its start may have a successor, whose jobs it does not know. */
  async keepOnly(running: (job: JobId) => boolean, confirm: () => Promise<unknown>): Promise<void> {
    const jobs = [...this.#files.jobs()];
    if (jobs.length === 0) return;
    await confirm();
    for (const job of jobs) {
      if (!running(job)) await this.#drop(job);
    }
  }

  /** `state`: of a job that has changed; null = it is removed. */
  async jobChanged(job: JobId, state: JobState | null): Promise<void> {
    // As long as it runs, a task may read them, even again.
    if (state === "running") return;
    await this.#drop(job);
  }

  async #drop(job: JobId): Promise<void> {
    for (const key of this.#outputs.keys()) {
      if (key.startsWith(`${job}/`)) this.#outputs.delete(key);
    }
    await this.#files.remove(job);
  }
}

function over(key: string): ClusterError {
  return new ClusterError("not-found", `${key} is over; its output is not needed any more`);
}
