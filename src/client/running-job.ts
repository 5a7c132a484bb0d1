/** A job that a program has submitted: to be waited for, followed and cancelled. */
import type { JobSummary } from "../core/summary.ts";
import type { Client, CommittedResult } from "../sdk/client.ts";
import type { LogLine } from "../wire/api/messages.ts";
import { failureOf } from "./failure.ts";
import { Result } from "./result.ts";

export type Progress = {
  /** Of all stages. */
  readonly tasksDone: number;
  readonly taskCount: number;
  /** Part of the running stage that is done, 0 to 1; by bytes where they are known. */
  readonly stageDone: number;
  /** Why nothing runs, in words; "" when something does. */
  readonly waitingFor: string;
  readonly summary: JobSummary;
};

export type FollowSettings = {
  /** Ends the waiting, not the job. Of a job that `run` submitted, that of `run` cancels it. */
  readonly signal?: AbortSignal;
};

export type ResultsSettings = FollowSettings & {
  /** Results of a list of tasks in the order of its items; false: as they come. Default true. */
  readonly ordered?: boolean;
};

/** Awaiting it gives the `Result` once the job is done, or throws why it has none. Iterating over
 *  it gives the rows: of a list of tasks while it runs. */
export class RunningJob<Row = unknown> implements PromiseLike<Result<Row>>, AsyncIterable<Row> {
  /** The job's id, as "j-7", once it is durable. */
  readonly id: Promise<string>;
  readonly #client: Client;
  readonly #signal: AbortSignal | undefined;
  #ended: Promise<JobSummary> | null = null;

  /** `signal`: ends the waiting for it. */
  constructor(client: Client, id: Promise<string>, signal?: AbortSignal) {
    this.#client = client;
    this.id = id;
    this.#signal = signal;
    // It is thrown where it is awaited.
    id.catch(() => {});
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaited
  then<A = Result<Row>, B = never>(
    fulfilled?: ((result: Result<Row>) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.result().then(fulfilled, rejected);
  }

  /** The same as awaiting it. */
  async result(): Promise<Result<Row>> {
    this.#ended ??= this.#end();
    return new Result<Row>(this.#client, await this.#ended);
  }

  async #end(): Promise<JobSummary> {
    let last: JobSummary | null = null;
    for await (const { summary } of this.progress()) last = summary;
    return doneOrThrow(last ?? (await this.summary()));
  }

  [Symbol.asyncIterator](): AsyncGenerator<Row, void> {
    return this.results();
  }

  /** Throws the job's failure after the results that came before it. Of a list that keeps going,
   *  tasks that failed have none: the `Result` has them. */
  async *results({ ordered = true, ...wanted }: ResultsSettings = {}): AsyncGenerator<Row, void> {
    const job = await this.id;
    const { stages } = await this.#client.job(job);
    if (stages[0]?.kind !== "tasks") {
      yield* (await this.result()).rows();
      return;
    }
    const early = new Map<number, CommittedResult>();
    let next = 0;
    const follow = this.#follow(wanted);
    for await (const committed of this.#client.committedResults(job, follow)) {
      if (!ordered) {
        yield* resultIn<Row>(committed);
        continue;
      }
      early.set(committed[0], committed);
      for (let one = early.get(next); one !== undefined; one = early.get(++next)) {
        early.delete(next);
        yield* resultIn<Row>(one);
      }
    }
    doneOrThrow(await this.#client.job(job));
  }

  /** At once, then on every change, at most ten times a second; ends with the job. */
  async *progress(wanted: FollowSettings = {}): AsyncGenerator<Progress, void> {
    const job = await this.id;
    for await (const summary of this.#client.watch(job, this.#follow(wanted))) {
      yield progressOf(summary);
    }
  }

  /** What the job's code logs, as it comes; ends with the job. */
  async *logs(wanted: FollowSettings = {}): AsyncGenerator<LogLine, void> {
    yield* this.#client.logs(await this.id, { follow: true, ...this.#follow(wanted) });
  }

  async summary(): Promise<JobSummary> {
    return this.#client.job(await this.id);
  }

  /** No new attempt, no output. A job that has ended stays as it is. */
  async cancel(): Promise<void> {
    await this.#client.cancel(await this.id);
  }

  #follow({ signal }: FollowSettings): FollowSettings {
    const signals = [signal, this.#signal].filter((one) => one !== undefined);
    return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
  }
}

/** None of a task that failed in a job that keeps going. */
function resultIn<Row>([, result, failed]: CommittedResult): Row[] {
  return failed === undefined ? [result as Row] : [];
}

function doneOrThrow(summary: JobSummary): JobSummary {
  if (summary.state !== "done") throw failureOf(summary);
  return summary;
}

function progressOf(summary: JobSummary): Progress {
  const { stages, state, waitingFor } = summary;
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const stage = stages.find(({ done, taskCount }) => done < taskCount);
  const byBytes = stage === undefined ? 1 : stage.inputBytesDone / stage.inputBytes;
  const byTasks = stage === undefined ? 1 : stage.done / stage.taskCount;
  const stageDone = stage !== undefined && stage.inputBytes > 0 ? byBytes : byTasks;
  return {
    tasksDone: sum(stages.map(({ done }) => done)),
    taskCount: sum(stages.map(({ taskCount }) => taskCount)),
    stageDone: state === "done" ? 1 : Math.min(1, stageDone),
    waitingFor,
    summary,
  };
}
