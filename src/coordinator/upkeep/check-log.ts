/** Verifies a log file record by record, and rebuilds the state as far as it is proven. */
import { statSync } from "node:fs";
import { type CoordinatorState, emptyState, step } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import { type JobId, jobId } from "../../core/ids.ts";
import { jobSummaries } from "../../core/view.ts";
import { type LogView, openLogView } from "../../store/log/sqlite-view.ts";
import { decodeRecord, type LogEnd, replay, textOf } from "../loop/journal.ts";
import type { Damage } from "./damage.ts";
import type { Progress } from "./progress.ts";

export type CheckedLog = {
  /** Where the log ends, damaged or not. */
  readonly position: number;
  readonly records: number;
  readonly sizeBytes: number;
  /** As of the last record before any damage. */
  readonly state: CoordinatorState;
  readonly damages: readonly Damage[];
};

/** Records between two progress reports. */
const tellEvery = 10_000;
const decoder = new TextDecoder();

export async function checkLog(path: string, onProgress: Progress): Promise<CheckedLog> {
  let view: LogView;
  try {
    view = openLogView(path);
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "storage-failed") throw error;
    const damage: Damage = { kind: "log", name: "", problem: error.text, jobs: [] };
    return { position: 0, records: 0, sizeBytes: 0, state: emptyState(), damages: [damage] };
  }
  try {
    return await new LogCheck(view, onProgress).run();
  } finally {
    view.close();
  }
}

class LogCheck {
  readonly #view: LogView;
  readonly #onProgress: Progress;
  readonly #damages: Damage[] = [];
  /** Jobs named by records after the damage. */
  readonly #touched = new Set<JobId>();
  #end: LogEnd = { state: emptyState(), position: 0, atMs: 0, epoch: 0, snapshotBytes: 0 };

  constructor(view: LogView, onProgress: Progress) {
    this.#view = view;
    this.#onProgress = onProgress;
  }

  async run(): Promise<CheckedLog> {
    const { head, path } = this.#view;
    await this.#readSnapshot();
    const start = head.trimmed;
    let sizeBytes = 0;
    for (const record of this.#view.inspect()) {
      const { position, bytes, problem } = record;
      if (position % tellEvery === 0) {
        this.#onProgress("log", position - start, head.last - start);
      }
      sizeBytes += bytes.byteLength;
      if (problem !== "") this.#damaged("record", String(position), problem);
      if (this.#damages.length === 0) this.#follow(position, bytes);
      else this.#collect(bytes);
    }
    for (const problem of this.#view.problems()) this.#damaged("log", "", problem);
    return {
      position: head.last,
      records: head.last - start,
      sizeBytes: Math.max(sizeBytes, statSync(path).size),
      state: this.#end.state,
      damages: this.#withJobs(),
    };
  }

  async #readSnapshot(): Promise<void> {
    const { trimmed } = this.#view.head;
    const log = { loadSnapshot: () => this.#view.loadSnapshot(), read: nothing };
    try {
      this.#end = await replay(log);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      this.#damaged("snapshot", "", problem);
    }
    if (this.#damages.length === 0 && this.#end.position < trimmed) {
      this.#damaged(
        "snapshot",
        "",
        `is missing, although records up to ${trimmed} were trimmed for it`,
      );
    }
  }

  /** Applies the record as a start would; a record that the core cannot handle would stop it. */
  #follow(position: number, bytes: Uint8Array): void {
    if (position <= this.#end.position) return;
    try {
      step(this.#end.state, decodeRecord({ position, bytes }));
      this.#end.position = position;
    } catch (error) {
      const problem = `cannot be replayed: ${(error as Error).message}`;
      this.#damaged("record", String(position), problem);
      this.#collect(bytes);
    }
  }

  #collect(bytes: Uint8Array): void {
    const text = textIn(bytes);
    for (const [, id] of text.matchAll(/"job":"(j-[1-9][0-9]{0,14})"/g)) {
      this.#touched.add(id as JobId);
    }
    if (!text.includes('"kind":"job-submitted"')) return;
    this.#submitted += 1;
    this.#touched.add(jobId(this.#end.state.jobsSubmitted + this.#submitted));
  }
  #submitted = 0;

  #damaged(kind: Damage["kind"], name: string, problem: string): void {
    this.#damages.push({ kind, name, problem, jobs: [] });
  }

  /** After the first damage nothing is proven: names the jobs that ran then, and those named after
   *  it. */
  #withJobs(): Damage[] {
    if (this.#damages.length === 0) return [];
    const { state } = this.#end;
    const running = jobSummaries(state, 0).filter((job) => job.state === "running");
    for (const { job } of running) this.#touched.add(job);
    const jobs = [...this.#touched].sort((a, b) => Number(a.slice(2)) - Number(b.slice(2)));
    return this.#damages.map((damage) => ({ ...damage, jobs }));
  }
}

async function* nothing() {}

/** Of a record that may be damaged; then what can be read of its bytes. */
function textIn(bytes: Uint8Array): string {
  try {
    return textOf({ bytes });
  } catch {
    return decoder.decode(bytes);
  }
}
