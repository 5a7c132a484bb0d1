/** What a worker says of its attempts over one link, and the Acks of it.
 *
 *  Our coordinator gets reports in bulk. An existing manager, and any manager about a module of its
 *  own, gets one TaskStatus at a time: its answers have no ids. */
import type { AttemptReport } from "../../core/event.ts";
import type { AttemptRef } from "../../core/ids.ts";
import type { WorkerEvent } from "../../core/worker.ts";
import { hit } from "../../store/failpoint.ts";
import type { ManagerMessage, TaskIdBytes, TaskStatus } from "../../wire/manager/messages.ts";
import type { WithoutTime } from "../executor.ts";
import { bySize } from "./fitting.ts";
import type { ModuleTasks } from "./module-tasks.ts";
import { ResultLists } from "./result-lists.ts";
import { reportStatus } from "./status.ts";

export type ReportingOptions = {
  readonly modules: ModuleTasks;
  readonly post: (event: WithoutTime<WorkerEvent>) => void;
  /** Whether the manager knows our reports, by now. */
  readonly isExtended: () => boolean;
  readonly taskId: (ref: AttemptRef) => TaskIdBytes;
  /** Of the cluster. */
  readonly tag: () => Uint8Array;
  readonly unixS: () => number;
  /** Its answer is passed to `answered`, with the same kind and batch. */
  readonly request: (message: ManagerMessage, kind: "status" | "report", batch: number) => void;
};

export type Ended = { readonly ref: AttemptRef; readonly report: AttemptReport };
/** `batch` 0: it belongs to none. */
type Single = { readonly status: TaskStatus; readonly batch: number };
type Batch = { left: number; readonly refs: readonly AttemptRef[] };

export class Reporting {
  /** The manager knows `taskResults`. */
  readsLists = false;
  readonly #options: ReportingOptions;
  readonly #batches = new Map<number, Batch>();
  #waiting: Single[] = [];
  #underWay: Single | null = null;

  constructor(options: ReportingOptions) {
    this.#options = options;
  }

  /** Answered by `reports-acked` when the manager has acknowledged all of them. */
  report(batch: number, ended: readonly Ended[]): void {
    const { isExtended, request, tag, taskId } = this.#options;
    const extended = isExtended();
    const singles: Single[] = [];
    const statuses: TaskStatus[] = [];
    const lists = new ResultLists();
    for (const { ref, report } of ended) {
      const ofModule = this.#ofModule(ref, report);
      if (ofModule !== undefined) {
        for (const status of ofModule) singles.push({ status, batch });
      } else if (!extended)
        singles.push({ status: reportStatus(taskId(ref), report, false), batch });
      else if (this.readsLists && lists.add(ref, report)) continue;
      else statuses.push(reportStatus(taskId(ref), report, true));
    }
    const groups = bySize(statuses);
    const messages = lists.messages(tag());
    const left = groups.length + messages.length + singles.length;
    this.#batches.set(batch, { left: Math.max(1, left), refs: ended.map(({ ref }) => ref) });
    for (const group of groups) request({ kind: "taskStatuses", statuses: group }, "report", batch);
    for (const message of messages) request(message, "report", batch);
    for (const single of singles) this.#waiting.push(single);
    this.#next();
    // All were aborted: there is nothing to say of them.
    if (left === 0) this.#acked(batch);
  }

  started(ref: AttemptRef): void {
    const { modules, taskId, unixS } = this.#options;
    const ofModule = modules.started(ref, unixS());
    const data = { kind: "started", unixS: unixS() } as const;
    if (ofModule !== undefined) {
      if (ofModule !== null) this.send(ofModule);
    } else this.send({ taskId: taskId(ref), data, report: new Uint8Array(0) });
  }

  send(status: TaskStatus): void {
    this.#waiting.push({ status, batch: 0 });
    this.#next();
  }

  answered(kind: "status" | "report", batch: number): void {
    if (kind === "status") this.#underWay = null;
    if (batch > 0) this.#acked(batch);
    this.#next();
  }

  /** The status that is under way was not answered in time: it is sent again. */
  unanswered(): void {
    if (this.#underWay !== null) this.#waiting.unshift(this.#underWay);
    this.#underWay = null;
    this.#next();
  }

  /** An existing manager measures its limits from the start: that is reported of every task. */
  #ofModule(ref: AttemptRef, report: AttemptReport): TaskStatus[] | undefined {
    const { modules, unixS } = this.#options;
    const end = modules.ended(ref, report);
    if (end === undefined) return undefined;
    if (end === null) return [];
    const beganS = unixS() - Math.round(report.durationMs / 1_000);
    const { data } = end;
    const hasRun = data.kind !== "error" || data.error === "runtime" || data.error === "timed-out";
    const begin = hasRun ? modules.started(ref, beganS) : null;
    return begin ? [begin, end] : [end];
  }

  #next(): void {
    if (this.#underWay !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#underWay = next;
    const { request } = this.#options;
    request({ kind: "taskStatus", status: next.status }, "status", next.batch);
  }

  #acked(batch: number): void {
    const sent = this.#batches.get(batch);
    if (sent === undefined) return;
    sent.left -= 1;
    if (sent.left > 0) return;
    this.#batches.delete(batch);
    const { modules, post } = this.#options;
    hit("worker.acked", "before");
    post({ kind: "reports-acked", batch });
    for (const ref of sent.refs) {
      const job = modules.acked(ref);
      if (job !== null) post({ kind: "job-closed", job });
    }
    hit("worker.acked", "after");
  }
}
