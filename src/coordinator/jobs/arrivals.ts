/** Jobs that were submitted before their input has arrived: reports to the core which of their
 *  tasks may begin, as the ranges of the upload come in, and gives up those whose submitter has
 *  gone. */
import {
  type AwaitedInputs,
  awaitedInputs,
  jobsAwaitingInputs,
} from "../../core/awaited-inputs.ts";
import type { CoordinatorState } from "../../core/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { Hash, JobId } from "../../core/ids.ts";
import { type ArrivingFile, pieceIsThere } from "../../core/transfer/arrived.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import type { Staging, UploadOf } from "../../store/blob/staged.ts";
import { readWhole } from "../../store/blob/whole.ts";
import type { InputFile, Piece } from "../../wire/block/plan.ts";
import { planFrom } from "../../wire/block/plan-text.ts";
import type { NewEvent } from "../loop/journal.ts";
import type { Timers } from "../loop/timers.ts";
import { planMaxBytes } from "./plans.ts";

export type ArrivalsParts = {
  readonly loop: {
    readonly state: CoordinatorState;
    readonly isOpen: boolean;
    post(event: NewEvent): Promise<unknown>;
  };
  readonly blobs: Pick<Blobs, "size" | "read">;
  readonly staging: Pick<Staging, "agrees" | "changed" | "missing">;
  readonly timers: Timers;
  /** A job for whose input nothing came for this long fails, ms; default 10 min. */
  readonly patienceMs?: number;
};

/** Most tasks of a job that may begin before all of its input is there. */
export const arrivingTasksMax = 20_000;

/** Between two looks at what has arrived, ms: each costs a record of the log. */
const lookEveryMs = 200;
/** For what has come another way, such as from another owner. */
const idleLookMs = 5_000;

type Arriving = {
  readonly job: JobId;
  readonly owner: string;
  readonly files: readonly InputFile[];
  /** By task. */
  readonly pieces: ReadonlyArray<readonly Piece[]>;
  readonly waiting: Set<number>;
  /** Blobs that are there and are what they should be. */
  readonly whole: Set<Hash>;
  /** An upload was found to be something else when it was whole. */
  isWrong: boolean;
  /** When something of it came last. */
  movedAtMs: number;
  isChanged: boolean;
};

export class Arrivals {
  readonly #parts: Required<ArrivalsParts>;
  readonly #jobs = new Map<JobId, Arriving>();
  #cancel = () => {};
  #looking: Promise<void> | null = null;
  #isStopped = false;

  /** Follows those that an earlier coordinator has left. */
  constructor(parts: ArrivalsParts) {
    this.#parts = { patienceMs: 600_000, ...parts };
    parts.staging.changed = (of, isWrong) => this.#changed(of, isWrong);
    for (const job of jobsAwaitingInputs(parts.loop.state)) void this.follow(job);
  }

  /** Call when a job was submitted that waits for its input; resolves when that was looked at. */
  async follow(job: JobId): Promise<void> {
    const awaited = awaitedInputs(this.#parts.loop.state, job);
    if (awaited === null || this.#jobs.has(job) || this.#isStopped) return;
    try {
      this.#jobs.set(job, await this.#open(job, awaited));
    } catch (error) {
      const why = error instanceof ClusterError ? error.text : String(error);
      return this.#give({ kind: "inputs-missed", job, reason: `its plan cannot be read: ${why}` });
    }
    await this.#look();
    this.#arm(lookEveryMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    await this.#looking;
  }

  async #open(job: JobId, { owner, plan, tasks }: AwaitedInputs): Promise<Arriving> {
    const { blobs, timers } = this.#parts;
    const bytes = await readWhole(blobs, plan, planMaxBytes);
    const { files, splits } = planFrom(bytes.toString("utf8"));
    return {
      job,
      owner,
      files,
      pieces: splits.map(({ pieces }) => pieces),
      waiting: new Set(tasks),
      whole: new Set(),
      isWrong: false,
      movedAtMs: timers.monotonicMs(),
      isChanged: true,
    };
  }

  #changed({ hash, owner }: UploadOf, isWrong: boolean): void {
    const nowMs = this.#parts.timers.monotonicMs();
    for (const one of this.#jobs.values()) {
      if (one.owner !== owner || !one.files.some(({ at }) => isBlob(at, hash))) continue;
      one.movedAtMs = nowMs;
      one.isChanged = true;
      one.isWrong ||= isWrong;
    }
  }

  #arm(inMs: number): void {
    this.#cancel();
    if (this.#isStopped || this.#jobs.size === 0) return;
    this.#cancel = this.#parts.timers.after(inMs, () => {
      const isBusy = [...this.#jobs.values()].some(({ isChanged }) => isChanged);
      idle(this.#look()).then(() => this.#arm(isBusy ? lookEveryMs : this.#restMs()));
    });
  }

  /** What is being sent is looked at often, and the rest now and then. */
  #restMs(): number {
    const nowMs = this.#parts.timers.monotonicMs();
    const isMoving = [...this.#jobs.values()].some(({ movedAtMs }) => {
      return nowMs - movedAtMs < idleLookMs;
    });
    return isMoving ? lookEveryMs : idleLookMs;
  }

  /** One at a time. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #lookAtAll(): Promise<void> {
    const { loop, patienceMs, timers } = this.#parts;
    for (const one of [...this.#jobs.values()]) {
      if (this.#isStopped || !loop.isOpen) return;
      if (awaitedInputs(loop.state, one.job) === null) {
        this.#jobs.delete(one.job);
        continue;
      }
      const restMs = timers.monotonicMs() - one.movedAtMs;
      if (!one.isChanged && restMs < idleLookMs) continue;
      one.isChanged = false;
      await this.#lookAt(one);
      if (restMs <= patienceMs || one.waiting.size === 0) continue;
      await this.#give({ kind: "inputs-missed", job: one.job, reason: goneText(patienceMs) });
    }
  }

  async #lookAt(one: Arriving): Promise<void> {
    const files = await Promise.all(one.files.map((file) => this.#fileNow(one, file)));
    const isThere = ([index, start, end]: Piece) => pieceIsThere(files[index]!, { start, end });
    const tasks: number[] = [];
    let isLost = one.isWrong;
    for (const [task, pieces] of one.pieces.entries()) {
      const mayBegin = pieces.every(isThere);
      // What a task may have read already is gone: it was wrong, or made room for others.
      if (!mayBegin && !one.waiting.has(task)) isLost = true;
      if (mayBegin && one.waiting.has(task)) tasks.push(task);
    }
    if (isLost) return this.#give({ kind: "inputs-missed", job: one.job, reason: wrongText });
    if (tasks.length === 0) return;
    for (const task of tasks) one.waiting.delete(task);
    await this.#give({ kind: "inputs-arrived", job: one.job, tasks });
  }

  async #fileNow(one: Arriving, file: InputFile): Promise<ArrivingFile> {
    const { at, compression, sizeBytes } = file;
    const common = { sizeBytes, isPlain: compression === "none" };
    const whole = { ...common, isWhole: true, missing: [] };
    if (at.kind !== "blob" || one.whole.has(at.hash)) return whole;
    const { blobs, staging } = this.#parts;
    const of = { owner: one.owner, hash: at.hash, sizeBytes };
    const missing = await staging.missing(of);
    const isStored = (await blobs.size(at.hash).catch(() => null)) !== null;
    if (!isStored) return { ...common, isWhole: false, missing };
    // It may have come from another owner, and tasks may have read what this one has sent.
    if (!(await staging.agrees(of))) one.isWrong = true;
    one.whole.add(at.hash);
    return whole;
  }

  async #give(event: NewEvent): Promise<void> {
    // A loop that has ended leaves it to the next start.
    await idle(this.#parts.loop.post(event));
  }
}

function isBlob(at: InputFile["at"], hash: Hash): boolean {
  return at.kind === "blob" && at.hash === hash;
}

function idle(work: Promise<unknown>): Promise<unknown> {
  return work.catch(() => {});
}

const wrongText =
  "its input is not what was submitted: a file changed while it was sent; submit it again";

function goneText(patienceMs: number): string {
  const time = `${Math.round(patienceMs / 60_000)} min`;
  return `its submitter sent nothing of its input for ${time}; submit it again: that goes on there`;
}
