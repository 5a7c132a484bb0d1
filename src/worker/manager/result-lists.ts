/** Attempts and results in columns: what is read from a list of the coordinator, and the reports
 *  of tasks that are done and have nothing else to report. */
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef, JobId } from "../../core/ids.ts";
import { hexOf } from "../../wire/hex.ts";
import { reportsBytesMax, tasksPerMessageMax } from "../../wire/manager/limits.ts";
import type { ManagerMessage, TaskList, TaskResults } from "../../wire/manager/messages.ts";

const encoder = new TextEncoder();

/** JSON of a result's numbers, bytes at most; and of one character of its value: an escape. */
const numbersBytes = 64;
const characterBytes = 6;

type Results = Omit<TaskResults, "tag"> & {
  readonly tasks: number[];
  readonly attempts: number[];
  readonly durationsMs: number[];
  readonly values: string[];
};

export function attemptsIn({ attempts, job, stage, tasks }: TaskList): AttemptRef[] {
  return tasks.map((task, at) => ({ job: job as JobId, stage, task, attempt: attempts[at]! }));
}

export class ResultLists {
  readonly #lists: Results[] = [];
  #sizeBytes = 0;

  /** False when the report holds more than a result. */
  add({ job, stage, task, attempt }: AttemptRef, report: AttemptReport): boolean {
    if (report.kind !== "done" || report.counters !== undefined) return false;
    const { badRecords, records, root, value } = report.output;
    if (value === undefined || root !== "" || records !== 1) return false;
    if (badRecords !== undefined || report.inputBytes !== undefined) return false;
    const sizeBytes = numbersBytes + value.length * characterBytes;
    if (sizeBytes > reportsBytesMax) return false;
    const list = this.#listFor(job, stage, sizeBytes);
    list.tasks.push(task);
    list.attempts.push(attempt);
    list.durationsMs.push(report.durationMs);
    list.values.push(value);
    return true;
  }

  /** One message for each list, none above `reportsBytesMax`. */
  messages(ofCluster: Uint8Array): ManagerMessage[] {
    const tag = hexOf(ofCluster);
    return this.#lists.map((list) => {
      const results: TaskResults = { tag, ...list };
      return { kind: "taskResults", results: encoder.encode(JSON.stringify(results)) };
    });
  }

  #listFor(job: string, stage: number, sizeBytes: number): Results {
    const last = this.#lists.at(-1);
    this.#sizeBytes += sizeBytes;
    const fits =
      this.#sizeBytes <= reportsBytesMax && (last?.tasks.length ?? 0) < tasksPerMessageMax;
    if (last !== undefined && fits && last.stage === stage && last.job === job) return last;
    this.#sizeBytes = sizeBytes;
    const list = { job, stage, tasks: [], attempts: [], durationsMs: [], values: [] };
    this.#lists.push(list);
    return list;
  }
}
