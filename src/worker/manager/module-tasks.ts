/** Tasks of existing managers: a module, an argument, and an id that only the manager can read. The
 *  rest of a worker knows tasks by job and number, so each message becomes a job of this worker's
 *  own for each module in it.
 *
 *  1. An id runs once. A repeated order of a task that is held changes nothing; of one that
 *     succeeded lately its result is sent again; one that failed or was returned runs anew.
 *  2. After its abort nothing is reported of a task. */
import type { AttemptReport } from "../../core/event.ts";
import { type AttemptRef, attemptKey, type JobId, jobId } from "../../core/ids.ts";
import {
  type JobOpen,
  programKinds,
  type TaskExecute,
  type TaskIdBytes,
  type TaskStatus,
} from "../../wire/manager/messages.ts";
import type { Program } from "../executor.ts";
import { errorKind } from "./status.ts";

type Entry = {
  readonly id: TaskIdBytes;
  readonly ref: AttemptRef;
  isAborted: boolean;
  hasStarted: boolean;
};

export type Accepted = {
  readonly opened: ReadonlyArray<{ readonly job: JobOpen; readonly program: Program }>;
  readonly attempts: ReadonlyArray<{ readonly ref: AttemptRef; readonly timeoutMs: number }>;
  /** To be sent again. */
  readonly repeated: readonly TaskStatus[];
};

/** Above the numbers that a coordinator gives to jobs. */
const firstJob = 900_000_000_000_000;
/** Ends that are kept after their Ack, and the bytes of results together. */
const keptMax = 1_024;
const keptBytesMax = 8 * 1024 * 1024;
const nothing = new Uint8Array(0);

/** Whether a task is one of these: tasks of our coordinator name no address. */
export function isModuleTask({ programAddresses, programKind }: TaskExecute): boolean {
  return programKind === programKinds.wasm && programAddresses.length > 0;
}

export class ModuleTasks {
  readonly #byId = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry>();
  /** Attempts of each open job that have not ended. */
  readonly #left = new Map<JobId, Set<string>>();
  readonly #kept = new Map<string, TaskStatus>();
  #keptBytes = 0;
  #lastJob = firstJob;

  /** `isHeld` returns whether the worker still has an attempt; after the end of a lease it has
   *  none. */
  accept(tasks: readonly TaskExecute[], isHeld: (ref: AttemptRef) => boolean): Accepted {
    const repeated: TaskStatus[] = [];
    const programs = new Map<string, TaskExecute[]>();
    for (const task of tasks) {
      const id = hex(task.taskId);
      const entry = this.#byId.get(id);
      if (entry !== undefined && !entry.isAborted && isHeld(entry.ref)) continue;
      const kept = this.#kept.get(id);
      if (kept?.data.kind === "completed") {
        repeated.push(kept);
        continue;
      }
      this.#drop(id);
      const name = `${hex(task.programHash)} ${task.programAddresses.join(" ")}`;
      const same = programs.get(name) ?? [];
      if (same.length === 0) programs.set(name, same);
      // Twice in one message.
      if (!same.some(({ taskId }) => hex(taskId) === id)) same.push(task);
    }
    const opened: Array<{ job: JobOpen; program: Program }> = [];
    const attempts: Array<{ ref: AttemptRef; timeoutMs: number }> = [];
    for (const same of programs.values()) {
      this.#lastJob += 1;
      const job = jobId(this.#lastJob);
      opened.push({ job: openedAs(job), program: programOf(same) });
      for (const [task, { taskId, timeoutMs, timeoutS }] of same.entries()) {
        const ref = { job, stage: 0, task, attempt: 1 };
        this.#add({ id: taskId, ref, isAborted: false, hasStarted: false });
        attempts.push({ ref, timeoutMs: timeoutMs || timeoutS * 1_000 });
      }
    }
    return { opened, attempts, repeated };
  }

  /** Jobs of which nothing is held any more. */
  abandoned(isHeld: (ref: AttemptRef) => boolean): JobId[] {
    const jobs: JobId[] = [];
    for (const [job, keys] of this.#left) {
      const held = [...keys].filter((key) => isHeld((this.#byKey.get(key) as Entry).ref));
      if (held.length > 0) continue;
      for (const key of keys) this.#forget(this.#byKey.get(key) as Entry);
      this.#left.delete(job);
      jobs.push(job);
    }
    return jobs;
  }

  refOf(id: TaskIdBytes): AttemptRef | null {
    return this.#byId.get(hex(id))?.ref ?? null;
  }

  /** What was reported of a task that ended lately; null = nothing is kept of it. */
  keptStatus(id: TaskIdBytes): TaskStatus | null {
    return this.#kept.get(hex(id)) ?? null;
  }

  /** Nothing is to be reported of it. */
  abort(id: TaskIdBytes): void {
    const entry = this.#byId.get(hex(id));
    if (entry !== undefined) entry.isAborted = true;
  }

  /** "It has started", once; null when that is not to be reported. Undefined: it is not one of
   *  these. */
  started(ref: AttemptRef, unixS: number): TaskStatus | null | undefined {
    const entry = this.#entryOf(ref);
    if (entry === undefined) return undefined;
    if (entry.hasStarted || entry.isAborted) return null;
    entry.hasStarted = true;
    return { taskId: entry.id, data: { kind: "started", unixS }, report: nothing };
  }

  /** How it ended; null when nothing is to be reported. Undefined: it is not one of these. */
  ended(ref: AttemptRef, report: AttemptReport): TaskStatus | null | undefined {
    const entry = this.#entryOf(ref);
    if (entry === undefined) return undefined;
    if (entry.isAborted) return null;
    const status = { taskId: entry.id, data: dataOf(report), report: nothing };
    this.#keep(status);
    return status;
  }

  /** Its end was acknowledged. Returns its job when that was the last one of it. */
  acked(ref: AttemptRef): JobId | null {
    const entry = this.#entryOf(ref);
    if (entry === undefined) return null;
    this.#forget(entry);
    const left = this.#left.get(ref.job);
    left?.delete(attemptKey(ref));
    if (left === undefined || left.size > 0) return null;
    this.#left.delete(ref.job);
    return ref.job;
  }

  /** Most workers have none of these, and a hundred thousand other tasks a second. */
  #entryOf(ref: AttemptRef): Entry | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(attemptKey(ref));
  }

  #add(entry: Entry): void {
    const key = attemptKey(entry.ref);
    this.#byId.set(hex(entry.id), entry);
    this.#byKey.set(key, entry);
    const left = this.#left.get(entry.ref.job) ?? new Set();
    this.#left.set(entry.ref.job, left.add(key));
  }

  #forget(entry: Entry): void {
    const id = hex(entry.id);
    this.#byKey.delete(attemptKey(entry.ref));
    if (this.#byId.get(id) === entry) this.#byId.delete(id);
  }

  #keep(status: TaskStatus): void {
    this.#drop(hex(status.taskId));
    this.#kept.set(hex(status.taskId), status);
    this.#keptBytes += sizeOf(status);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax && this.#keptBytes <= keptBytesMax) break;
      this.#drop(oldest);
    }
  }

  #drop(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#keptBytes -= sizeOf(kept);
    this.#kept.delete(id);
  }
}

function sizeOf({ data }: TaskStatus): number {
  return data.kind === "completed" ? data.result.length : 0;
}

/** Existing managers read no report: the result itself is sent. */
function dataOf(report: AttemptReport): TaskStatus["data"] {
  if (report.kind === "returned") return { kind: "error", error: "aborted" };
  if (report.kind === "failed") return { kind: "error", error: errorKind(report.failure.code) };
  const result = JSON.parse(report.output.value ?? "null") as string | null;
  return { kind: "completed", result: result === null ? nothing : fromBase64(result) };
}

function programOf(tasks: readonly TaskExecute[]): Program {
  const { programAddresses, programHash } = tasks[0] as TaskExecute;
  const args = tasks.map(({ argument }) => argument);
  return { addresses: programAddresses, hash: programHash, arguments: args };
}

function openedAs(job: JobId): JobOpen {
  const stages = [{ kind: "tasks", partitionCount: 0 }];
  const unused = { codeHash: "", planHash: "", exchangeKey: "", nowMs: 0 };
  const name = "program of the manager";
  return { job, name, owner: "manager", stages, programKind: programKinds.wasm, ...unused };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
