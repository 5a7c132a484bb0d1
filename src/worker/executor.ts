/** What the loop of a worker needs of its executor, and the events that come back from it. */
import type { JobId } from "../core/ids.ts";
import type { WorkerEffect, WorkerEvent } from "../core/worker.ts";
import type { JobOpen, StageSources, WorkerNotes } from "../wire/manager/messages.ts";

/** Clock and timers; the coordinator's `Timers` fit. */
export type WorkerTimers = {
  wallMs(): number;
  monotonicMs(): number;
  after(delayMs: number, fire: () => void): () => void;
};

export type RunOrder = Omit<Extract<WorkerEffect, { kind: "start" }>, "kind">;
export type RunEvent = WithoutTime<
  Extract<WorkerEvent, { kind: "run-phase" | "run-reported" | "run-died" | "handed-over" }>
>;
export type WithoutTime<E> = E extends unknown ? Omit<E, "atMs"> : never;

/** A WebAssembly module of an existing manager, with the arguments of its tasks in their order. */
export type Program = {
  /** Tried in order. */
  readonly addresses: readonly string[];
  /** Multihash: `1b 20` and the Keccak-256. */
  readonly hash: Uint8Array;
  readonly arguments: readonly Uint8Array[];
};

/** Runs attempts. Calls return at once; their outcomes are reported by `tell`, later. */
export type Executor = {
  /** With `program` its code is that module, and its items are those arguments. */
  openJob(job: JobOpen, program?: Program): void;
  closeJob(job: JobId): void;
  setSources(sources: StageSources): void;
  /** Answered by `run-phase`, `run-reported` for every attempt, or `run-died`. */
  start(order: RunOrder): void;
  /** The run's process ends now; nothing more is reported of it. */
  kill(run: number): void;
  /** Map outputs that others may still fetch from here. */
  serving(): Serving;
  /** Gives the manager the outputs that it would miss; answered by `handed-over`, unless the
   *  returned function ends it before. */
  handOver(): () => void;
};
export type Serving = ReadonlyArray<{
  readonly job: JobId;
  readonly stage: number;
  readonly tasks: readonly number[];
}>;

export type ExecutorEvents = {
  readonly tell: (event: RunEvent) => void;
  readonly note: (notes: Partial<WorkerNotes>) => void;
};
