/** What tabs read and put by the tickets of their attempts: the data routes of the tracker, as
 *  calls of the same meaning. */

import type { TrackerEdge } from "../../src/coordinator/edges/browser/edge.ts";
import { resultUrls } from "../../src/coordinator/edges/browser/orders.ts";
import { refsOf, type TabRun } from "../../src/coordinator/edges/browser/runs.ts";
import { shuffleTicketMs } from "../../src/coordinator/edges/worker/orders.ts";
import type { Loop } from "../../src/coordinator/loop/loop.ts";
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey, type JobId } from "../../src/core/ids.ts";
import { jobSpec, jobState, stageSources, workerSpecs } from "../../src/core/view.ts";
import { mapTask, plainTask, reduceTask, type Trouble } from "../jobs.ts";
import type { SimProcess } from "../world/process.ts";
import { openPart, type Part } from "../world/sealed.ts";
import { simTickets } from "../world/tickets.ts";
import type { World } from "../world/world.ts";
import type { PartitionServer } from "./calls.ts";

export type TabDataParts = {
  readonly world: World;
  readonly process: SimProcess;
  readonly loop: Loop;
  readonly tracker: TrackerEdge;
  /** A partition that the relay has; null = missing. */
  readonly relayed: (key: string, partition: number) => Part | null;
  /** Puts a map output into the relay; returns its root. */
  readonly bring: (
    ref: AttemptRef,
    partitions: readonly string[],
    isWanted: () => boolean,
  ) => Promise<string>;
  readonly putBlob: (text: string) => Promise<string>;
  readonly readBlob: (hash: string) => Promise<string>;
  readonly secretOf: (job: JobId) => string;
};

export type PlainWork = {
  readonly meanMs: number;
  readonly trouble: Trouble | null;
  readonly parts: readonly string[];
};

const askTimeoutMs = 5_000;
/** The coordinator's name when it reads from workers. */
const coordinatorId = "coordinator";

export class TabData {
  readonly #parts: TabDataParts;
  /** Results of basic browsers, by ticket. */
  readonly #plain = new Map<string, Map<number, string>>();

  constructor(parts: TabDataParts) {
    this.#parts = parts;
  }

  async code(ticket: string): Promise<string> {
    const run = this.#run(ticket);
    const hash = jobSpec(this.#parts.loop.state, run.job)?.codeHash;
    if (hash === undefined) throw new ClusterError("not-found", `${run.job} is gone`);
    return this.#parts.readBlob(hash);
  }

  /** The reduce task's partition as map task `from` made it, wherever it lies. */
  async partition(ticket: string, from: number): Promise<string> {
    const run = this.#run(ticket);
    try {
      const text = await this.#partitionOf(run, from);
      run.missed.delete(from);
      return text;
    } catch (error) {
      run.missed.set(from, "");
      throw error;
    }
  }

  async #partitionOf(run: TabRun, from: number): Promise<string> {
    const { loop, relayed } = this.#parts;
    const input = jobSpec(loop.state, run.job)?.stages[run.stage]?.inputStage ?? null;
    const source = input === null ? null : stageSources(loop.state, run.job, input)[from];
    const [partition] = run.attempts.keys();
    if (!source || input === null || partition === undefined) {
      throw new ClusterError("unavailable", `map task ${from} of ${run.job} has no output now`);
    }
    const { attempt, root, task, worker } = source;
    const key = attemptKey({ job: run.job, stage: input, task, attempt });
    const part =
      worker === null
        ? relayed(key, partition)
        : await this.#fromWorker(run, key, { worker, partition });
    if (part === null) throw gone(key);
    const text = openPart(part, root, partition);
    if (text !== null) return text;
    this.#parts.world.count("tab: damage noticed");
    throw new ClusterError("storage-failed", `${key} is damaged`);
  }

  /** Partitions of a map task. */
  putRun(ticket: string, ref: AttemptRef, partitions: readonly string[]): Promise<string> {
    const run = this.#run(ticket);
    if (run.attempts.get(ref.task) !== ref.attempt) throw new ClusterError("not-found", "not its");
    return this.#parts.bring(ref, partitions, () => this.#isRunning(run));
  }

  putPart(ticket: string, text: string): Promise<string> {
    this.#run(ticket);
    return this.#parts.putBlob(text);
  }

  /** The work of a basic browser: its inputs are read now. */
  async plainWork(ticket: string): Promise<PlainWork> {
    const run = this.#run(ticket);
    const spec = jobSpec(this.#parts.loop.state, run.job);
    const job = this.#parts.world.jobs.get(spec?.planHash ?? "");
    const stage = spec?.stages[run.stage];
    const [task] = run.attempts.keys();
    if (job === undefined || spec === null || stage === undefined || task === undefined) {
      throw new ClusterError("not-found", `${run.job} is gone`);
    }
    const { meanMs } = job;
    const trouble = this.#parts.world.trouble(job, run.stage, task);
    if (trouble !== null) return { meanMs, trouble, parts: [] };
    if (stage.inputStage === null) {
      const input = job.inputs[task]!;
      const parts = stage.partitionCount;
      return { meanMs, trouble, parts: parts > 0 ? mapTask(input, parts) : [plainTask(input)] };
    }
    const count = spec.stages[stage.inputStage]!.taskCount;
    const from = Array.from({ length: count }, (_, index) => this.partition(ticket, index));
    return { meanMs, trouble, parts: [reduceTask(await Promise.all(from))] };
  }

  putPlain(ticket: string, part: number, text: string): void {
    this.#run(ticket);
    const results = this.#plain.get(ticket) ?? new Map<number, string>();
    this.#plain.set(ticket, results.set(part, text));
  }

  /** As `PlainResults.collect`. */
  async collect(run: TabRun, urls: readonly string[]): Promise<AttemptReport> {
    const { loop } = this.#parts;
    const [ref] = refsOf(run);
    if (ref === undefined) throw new ClusterError("not-found", "the task is over");
    const expected = resultUrls(loop.state, run.job, run);
    const results = this.#plain.get(run.ticket) ?? new Map<number, string>();
    this.#plain.delete(run.ticket);
    const { attempt, task } = ref;
    const durationMs = loop.nowMs() - run.givenAtMs;
    const isMissing = urls.some((url) => !results.has(expected.indexOf(url)));
    if (isMissing) {
      const message = "a result is named that was not put there";
      return {
        kind: "failed",
        task,
        attempt,
        durationMs,
        failure: { code: "user-error", message },
      };
    }
    const counters = this.#countersOf(run, task);
    const output = await this.#store(run, ref, results);
    return { kind: "done", task, attempt, durationMs, output, counters };
  }

  /** Counters, for which the base protocol has no field. */
  #countersOf({ job, stage }: TabRun, task: number): { words: number } {
    const planHash = jobSpec(this.#parts.loop.state, job)?.planHash ?? "";
    const input = this.#parts.world.jobs.get(planHash)?.inputs[task];
    return { words: stage === 0 && input !== undefined ? input.split(" ").length : 0 };
  }

  async #store(run: TabRun, ref: AttemptRef, results: ReadonlyMap<number, string>) {
    const stage = jobSpec(this.#parts.loop.state, run.job)?.stages[run.stage];
    const first = results.get(0) ?? "";
    const common = { sizeBytes: first.length, records: 1 };
    if (stage?.kind === "tasks") return { root: "", ...common, value: first };
    const count = stage?.partitionCount ?? 0;
    if (count === 0) return { root: await this.#parts.putBlob(first), ...common };
    const partitions = Array.from({ length: count }, (_, part) => results.get(part) ?? "");
    const { bring, loop } = this.#parts;
    const root = await bring(ref, partitions, () => jobState(loop.state, run.job) === "running");
    return { root, sizeBytes: partitions.join("").length, records: count };
  }

  async #fromWorker(
    run: TabRun,
    source: string,
    of: { readonly worker: `w-${number}`; readonly partition: number },
  ): Promise<Part> {
    const { loop, process, secretOf, world } = this.#parts;
    const url = workerSpecs(loop.state, of.worker)?.exchangeUrl ?? "";
    if (url === "") throw gone(source);
    const { job, stage } = run;
    const expiresMs = Math.ceil(loop.nowMs()) + shuffleTicketMs;
    const scope = { job, stage: stage - 1, requester: coordinatorId, expiresMs };
    const ticket = simTickets.ticketText(simTickets.sourceKey(secretOf(job), of.worker), scope);
    const { partition } = of;
    const ask = { ticket, sources: [source], partition, requester: coordinatorId };
    const work = (server: PartitionServer) => server.partitions(ask)[0] ?? null;
    const options = { timeoutMs: askTimeoutMs, work };
    const failed = (why: string) => new ClusterError("download-failed", `${source}: ${why}`);
    const part = await world.network
      .ask(process, new URL(url).hostname, options)
      .catch((error: Error) => {
        throw failed(error.message);
      });
    if (part === null) throw failed("it is not there");
    return part;
  }

  /** The same check after an answer has taken a while. */
  #isRunning(run: TabRun): boolean {
    return this.#parts.tracker.ticket(run.ticket)?.run === run && run.attempts.size > 0;
  }

  #run(ticket: string): TabRun {
    const found = this.#parts.tracker.ticket(ticket);
    if (found === null) throw new ClusterError("not-found", "no such ticket");
    return found.run;
  }
}

function gone(key: string): ClusterError {
  return new ClusterError("not-found", `the output of ${key} is no longer here`);
}
