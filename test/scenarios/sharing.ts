/** A command of a story that lets work go on for a while, and says who got how much of it. */
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../../src/core/ids.ts";
import { testJob, testStage } from "../../src/core/testing/fake-cluster.ts";
import type { StoryCluster } from "./cluster.ts";
import type { Command, Happened } from "./command.ts";
import { jobName } from "./english.ts";
import { durationOf } from "./specs.ts";

type Running = { readonly ref: AttemptRef; readonly endsAtMs: number };

/** `for 5 s workers run what they have: job 1 20 ms a task, job 2 100 ms a task` */
export const sharingCommands: readonly Command[] = [
  [/^(\d+) jobs of one task of ([\d.]+) ms have run$/, runShortJobs],
  [
    /^for (.+?) workers run what they have: (.+)$/,
    (cluster, [time, jobs]) => {
      const taskMs = new Map<JobId, number>();
      for (const part of (jobs as string).split(", ")) {
        const [, number, each] = /^job (\d+) (\d+ ms|\d+ s) a task$/.exec(part) ?? [];
        if (each === undefined) throw new Error(`no pace of a job: ${part}`);
        taskMs.set(`j-${Number(number)}`, durationOf(each));
      }
      cluster.looksEvery = 500;
      const lines = new Shift(cluster, taskMs).run(durationOf(time as string));
      cluster.looksEvery = 1;
      return lines;
    },
  ],
];

/** After them the coordinator expects tasks to be as short. */
function runShortJobs(cluster: StoryCluster, found: readonly (string | undefined)[]): Happened {
  const [count, ms] = found.map(Number) as [number, number];
  for (let n = 0; n < count; n++) {
    const spec = testJob([testStage()]);
    cluster.specs.set(`j-${cluster.state.jobsSubmitted + 1}`, spec);
    const event = { owner: "ana", key: null, digest: "", spec } as const;
    cluster.happen({ kind: "job-submitted", ...event });
    for (const [worker, { held }] of cluster.workers) {
      const output = { root: "short", sizeBytes: 1, records: 1 };
      for (const ref of held) {
        cluster.report(worker, ref, { kind: "done", durationMs: ms, output });
      }
    }
  }
  return [`the last one was ${jobName(`j-${cluster.state.jobsSubmitted}`)}`];
}

class Shift {
  readonly #cluster: StoryCluster;
  readonly #taskMs: ReadonlyMap<JobId, number>;
  readonly #running = new Map<WorkerId, Running[]>();
  readonly #usedMs = new Map<JobId, number>();
  readonly #begunAtMs = new Map<JobId, number>();

  constructor(cluster: StoryCluster, taskMs: ReadonlyMap<JobId, number>) {
    this.#cluster = cluster;
    this.#taskMs = taskMs;
  }

  run(ms: number): Happened {
    const cluster = this.#cluster;
    const beganAtMs = cluster.atMs;
    for (;;) {
      this.#begin();
      const next = this.#next();
      const wakeMs = cluster.wakeMs();
      const atMs = Math.min(next?.[1].endsAtMs ?? Number.POSITIVE_INFINITY, wakeMs);
      if (atMs > beganAtMs + ms) break;
      cluster.atMs = Math.max(cluster.atMs, atMs);
      if (next === null || wakeMs < next[1].endsAtMs) cluster.happen({ kind: "time-passed" });
      else this.#end(...next);
    }
    cluster.atMs = beganAtMs + ms;
    return this.#lines(beganAtMs);
  }

  #lines(beganAtMs: number): string[] {
    const allMs = [...this.#usedMs.values()].reduce((sum, used) => sum + used, 0);
    return [...this.#taskMs.keys()].map((job) => {
      const percent = Math.round((100 * (this.#usedMs.get(job) ?? 0)) / Math.max(1, allMs));
      const begun = this.#begunAtMs.get(job);
      const since =
        begun === undefined ? "none began" : `first begun after ${begun - beganAtMs} ms`;
      return `${jobName(job)}: ${percent} % of the worker time, ${since}`;
    });
  }

  /** Free slots take what was sent first; what was asked back and has not begun is returned. */
  #begin(): void {
    for (const [id, worker] of this.#cluster.workers) {
      const running = this.#running.get(id) ?? [];
      for (const ref of worker.held) {
        if (running.length >= worker.specs.slots) break;
        if (running.some((one) => attemptKey(one.ref) === attemptKey(ref))) continue;
        const { atMs } = this.#cluster;
        if (!this.#begunAtMs.has(ref.job)) this.#begunAtMs.set(ref.job, atMs);
        running.push({ ref, endsAtMs: atMs + (this.#taskMs.get(ref.job) ?? 0) });
      }
      this.#running.set(id, running);
      const begun = new Set(running.map((one) => attemptKey(one.ref)));
      const back = worker.askedBack.splice(0).filter((ref) => !begun.has(attemptKey(ref)));
      for (const ref of back) this.#cluster.report(id, ref, { kind: "returned", durationMs: 0 });
    }
  }

  #next(): [WorkerId, Running] | null {
    let first: [WorkerId, Running] | null = null;
    for (const [worker, running] of this.#running) {
      for (const one of running) {
        if (first === null || one.endsAtMs < first[1].endsAtMs) first = [worker, one];
      }
    }
    return first;
  }

  #end(worker: WorkerId, ended: Running): void {
    const { ref } = ended;
    const left = (this.#running.get(worker) ?? []).filter((one) => one !== ended);
    this.#running.set(worker, left);
    const durationMs = this.#taskMs.get(ref.job) ?? 0;
    this.#usedMs.set(ref.job, (this.#usedMs.get(ref.job) ?? 0) + durationMs);
    const output = { root: `task-${ref.task}`, sizeBytes: 1, records: 1 };
    this.#cluster.report(worker, ref, { kind: "done", durationMs, output });
  }
}
