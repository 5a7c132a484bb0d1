/** What the tab's controller, the sandbox of a slot and a task's Worker say to each other
 *  (`postMessage`; buffers are handed over, not copied).
 *
 *  The controller gives the sandbox one port, and each task one of its own. A sandbox is a page of
 *  ours, a task's Worker is whatever job code makes of it: what comes from there is checked, and
 *  can be about this task only. */
import type { JobEnvironment } from "../../core/job.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { PythonFiles } from "../../wire/browser/python-index.ts";
import type { FromTask } from "../process/messages.ts";

export type TaskPiece = {
  /** Index in the plan's files. */
  readonly file: number;
  readonly offset: number;
  /** First line of the file, when the piece starts behind it. */
  readonly head: Uint8Array | null;
  readonly bytes: Uint8Array;
};

/** Everything that a task needs; its Worker begins it when it gets `go`. */
export type TaskOrder = {
  /** Tasks of one group share a Worker: those of one job, with one code and plan. */
  readonly group: string;
  /** What the job's code has around it. */
  readonly around: JobEnvironment;
  readonly kind: "map" | "reduce" | "tasks";
  /** Of the job, from 0. */
  readonly stage: number;
  /** The job's bundle, an ES module; "" of operators and of jobs in Python. */
  readonly code: string;
  /** Of a job in Python. */
  readonly python?: PythonCode;
  /** Only what this task needs of it; `splits` and `files` keep their places. */
  readonly plan: Plan;
  /** One of a map or reduce stage. */
  readonly attempts: ReadonlyArray<{ readonly task: number; readonly attempt: number }>;
  /** Of a map task. */
  readonly pieces: readonly TaskPiece[];
  /** Of a reduce task, in the order of the map tasks. */
  readonly segments: readonly Uint8Array[];
  /** Of a list of tasks: one JSON text for each of `attempts`. */
  readonly items: readonly string[];
  /** Bytes that the files of this task may have, its input included. */
  readonly filesMaxBytes: number;
};

export type PythonCode = {
  readonly job: string;
  /** SHA-256 of the zip. */
  readonly hash: string;
  /** The job file and the modules that travel with it. */
  readonly zip: Uint8Array;
};

/** What a Worker starts Python with. */
export type PythonStart = Omit<PythonFiles, "wasm"> & {
  /** A `WebAssembly.Module`. */
  readonly module: object;
  /** Null: this Worker is to take one, and to post it as a `PythonSnapshot` to the frame. */
  readonly snapshot: Uint8Array | null;
};

export type PythonSnapshot = { readonly kind: "snapshot"; readonly bytes: Uint8Array };

/** To a task's Worker: tasks of one group, with a port for each. They may come while another one
 *  computes. */
export type ToWorker =
  | {
      readonly kind: "order";
      readonly id: number;
      readonly order: TaskOrder;
      /** With the first task of a job in Python. */
      readonly start?: PythonStart;
    }
  /** It will not be begun. */
  | { readonly kind: "forget"; readonly id: number };

/** To a task's Worker, over its port: the slot is free. */
export type ToTaskWorker = {
  readonly kind: "go";
  /** Of the time, how much it may compute; above 0 to 1. See `task/pace.ts`. */
  readonly share: number;
};

/** Outputs by the ends of their names in `task/`. */
export type TaskFiles = {
  readonly [name in "run" | "manifest" | "part" | "bad"]?: readonly Uint8Array[];
};

export type FromTaskWorker =
  /** As from a task process. */
  | FromTask
  /** After the report of a map or reduce task that is done. */
  | { readonly kind: "files"; readonly files: TaskFiles }
  /** It stands still for so long from now, to keep to its share: that does not count against the
   *  time limit. */
  | { readonly kind: "resting"; readonly ms: number }
  /** Everything has been reported; the Worker may be ended. `isReusable`: or be given the next task
   *  of its group. */
  | { readonly kind: "over"; readonly isReusable?: boolean }
  /** Python has started: the time limit of the task begins. */
  | { readonly kind: "began" }
  /** Python does not start in this browser; the task is for others. */
  | { readonly kind: "unable"; readonly message: string }
  /** A law of ours does not hold, or job code threw where nothing catches it. */
  | { readonly kind: "broken"; readonly message: string };

/** To a sandbox, over its port. */
export type ToSandbox =
  /** Starts a Worker; its port and the order come along, perhaps while another one computes. */
  | { readonly kind: "start"; readonly id: number; readonly order: TaskOrder }
  /** `keep`: nothing of it runs, so that its Worker can go on. */
  | { readonly kind: "stop"; readonly id: number; readonly keep: boolean }
  /** Before the first task in Python. */
  | { readonly kind: "python"; readonly files: PythonFiles }
  /** Answered by `here`, unless the frame has died. */
  | { readonly kind: "ping" };

/** The first message to a sandbox's window, with its port. */
export type SandboxHello = { readonly kind: "sandbox"; readonly taskCode: string };

export type FromSandbox =
  /** The Worker could not start, or an error was caught nowhere. `isUnable`: no Worker that runs
   *  Python can start here. */
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly message: string;
      readonly isUnable?: boolean;
    }
  | { readonly kind: "here" };
