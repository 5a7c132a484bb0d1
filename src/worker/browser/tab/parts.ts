/** What this tab has done of each job, what that cost it, and how far the job is: asked for now and
 *  then while the tab has a task of it. */
import type { AttemptReport } from "../../../core/event.ts";
import type { JobProgress } from "../../../wire/api/messages.ts";
import type { TabTask } from "./session.ts";

/** Jobs that are remembered, the newest. */
const jobsMax = 20;

export type PartShown = {
  readonly job: string;
  readonly jobName: string;
  readonly owner: string;
  /** Tasks of the job that are done, by all, and that there are; 0 of 0 = not known yet. */
  readonly done: number;
  readonly taskCount: number;
  /** Tasks done here. */
  readonly mine: number;
  /** Attempts that failed here. */
  readonly failed: number;
  /** Sum over the slots, ms. */
  readonly busyMs: number;
  readonly fetchedBytes: number;
  readonly sentBytes: number;
};

type OfJob = Pick<TabTask, "job">;

const nothing = { mine: 0, failed: 0, busyMs: 0, fetchedBytes: 0, sentBytes: 0 };

type Ask = (place: string) => Promise<JobProgress>;

export class TabParts {
  /** Of all jobs. Bytes that are of no job are added from outside. */
  doneCount = 0;
  failedCount = 0;
  fetchedBytes = 0;
  sentBytes = 0;
  busyMs = 0;
  readonly #ask: Ask;
  readonly #parts = new Map<string, PartShown>();
  /** Of the newest task of each job, where its data is asked for. */
  readonly #places = new Map<string, string>();

  /** `ask`: rejects when the task at this place has ended. */
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Newest first. What this tab has done counts at once: a short job ends between two looks. */
  get shown(): PartShown[] {
    return [...this.#parts.values()].reverse().map((part) => {
      const done = Math.min(part.taskCount, Math.max(part.done, part.mine));
      return { ...part, done };
    });
  }

  began({ job, jobName, owner, place }: TabTask): void {
    const known = this.#parts.get(job);
    const none = { job, jobName, owner, done: 0, taskCount: 0, ...nothing };
    // At the end, as the newest.
    this.#parts.delete(job);
    this.#parts.set(job, known ?? none);
    this.#places.set(job, place);
    // At once, while the task is there: many last less than the time between two looks.
    if ((known?.taskCount ?? 0) === 0) void this.look([job]);
    for (const old of [...this.#parts.keys()].slice(0, -jobsMax)) {
      this.#parts.delete(old);
      this.#places.delete(old);
    }
  }

  did(of: OfJob, reports: readonly Pick<AttemptReport, "kind">[]): void {
    const count = (wanted: AttemptReport["kind"]) =>
      reports.filter(({ kind }) => kind === wanted).length;
    this.doneCount += count("done");
    this.failed(of, count("failed"));
    this.#change(of, ({ mine }) => ({ mine: mine + count("done") }));
  }

  failed(of: OfJob, attempts: number): void {
    this.failedCount += attempts;
    this.#change(of, ({ failed }) => ({ failed: failed + attempts }));
  }

  /** A slot has computed for so long. */
  computed(of: OfJob, ms: number): void {
    this.busyMs += ms;
    this.#change(of, ({ busyMs }) => ({ busyMs: busyMs + ms }));
  }

  moved(of: OfJob, bytes: number, way: "fetched" | "sent"): void {
    const which = `${way}Bytes` as const;
    this[which] += bytes;
    this.#change(of, (part) => ({ [which]: part[which] + bytes }));
  }

  /** Asks how far these jobs are. Never rejects: the next time may do better. */
  async look(jobs: readonly string[]): Promise<void> {
    await Promise.all(jobs.map((job) => this.#lookAt(job).catch(() => {})));
  }

  async #lookAt(job: string): Promise<void> {
    const place = this.#places.get(job);
    if (place === undefined) return;
    const { done, taskCount } = await this.#ask(place);
    this.#change({ job }, () => ({ done, taskCount }));
  }

  #change({ job }: OfJob, by: (part: PartShown) => Partial<PartShown>): void {
    const known = this.#parts.get(job);
    if (known !== undefined) this.#parts.set(job, { ...known, ...by(known) });
  }
}
