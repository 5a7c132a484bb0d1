/** The messages of the manager protocol between coordinator (there: manager) and worker, as
 *  properties. Field numbers are in `manager.proto`: those below 100 are those of existing
 *  implementations, those from 100 on are extensions: an old peer skips those fields, and is never
 *  sent those messages (a peer is old while it has not sent `node` in its ManagerRequest). */
import type { JobEnvironment, Shuffle } from "../../core/job.ts";
import { nodeType } from "./numbers.ts";

export const nodeTypes = { manager: nodeType.MANAGER, worker: nodeType.WORKER } as const;
export type NodeType = "manager" | "worker";

/** 0 is the WebAssembly ABI 0.1.0 of existing workers, 100 our bundled JavaScript, 101 Python. */
export { programKinds } from "../../core/job.ts";

/** Details travel in `report`. */
export type TaskErrorKind = "timed-out" | "download" | "runtime" | "aborted" | "unknown";

/** 34 bytes: multihash `1b 20` and 32 bytes. Tequio's are not hashes but packed fields (see
 *  `taskid.ts`). */
export type TaskIdBytes = Uint8Array;

/** WorkerMsgWrapper. `requestId`: counts from 1; sent with a ManagerRequest and, once the peer has
 *  shown that it knows it, with every request; echoed as `answerTo` in the answer. Null = not on
 *  the wire. A peer that sets neither gets its answers in the order of its requests. */
export type Envelope = {
  readonly requestId: number | null;
  readonly answerTo: number | null;
  readonly message: ManagerMessage;
};

export type TaskExecute = {
  readonly taskId: TaskIdBytes;
  /** where the program can be downloaded; empty from Tequio, the job is announced by `jobOpen`. */
  readonly programAddresses: readonly string[];
  /** multihash of the program; empty from Tequio. */
  readonly programHash: Uint8Array;
  readonly programKind: number;
  readonly argument: Uint8Array;
  /** whole seconds, rounded up, 0 = none. An existing worker obeys this one. */
  readonly timeoutS: number;
  readonly networkUsageMax: number;
  /** the same limit exactly; 0 = `timeoutS` holds. */
  readonly timeoutMs: number;
};

/** TaskStatus of the protocol's document; `data` is its oneof. */
export type TaskStatus = {
  readonly taskId: TaskIdBytes;
  readonly data:
    | { readonly kind: "pending" }
    | { readonly kind: "started"; readonly unixS: number }
    | { readonly kind: "error"; readonly error: TaskErrorKind }
    | { readonly kind: "completed"; readonly result: Uint8Array }
    | { readonly kind: "unknown" };
  /** UTF-8 JSON of an `AttemptReport` (core/event.ts); empty from old peers. */
  readonly report: Uint8Array;
};

/** Field 100 of ManagerRequest: what an existing worker does not send. */
export type NodeDescription = {
  /** "" for a new worker, else `w-7` with its `credential`. */ readonly workerId: string;
  /** a secret that the coordinator gave this worker at its first join; "" when new. */
  readonly credential: string;
  readonly name: string;
  /** equal for all processes of one machine. */ readonly host: string;
  readonly slots: number;
  readonly exchangeUrl: string;
  /** version of the software. */ readonly version: string;
  /** ids of tasks that it runs, or has finished without an Ack. */
  readonly holding: readonly TaskIdBytes[];
  /** UTF-8 JSON, `serving` of the event `worker-joined`. */ readonly serving: Uint8Array;
  /** random number of this process start; a second process with the same id gets `fenced`. */
  readonly session: string;
  /** it knows `tasksReturn`; a peer that does not would never answer it. */
  readonly returnsTasks: boolean;
  /** UTF-8 JSON, `python` of its specs (core/event.ts); empty without Python. */
  readonly python: Uint8Array;
  /** `fillBytes` zeros, not read: a line that loses packets of full size is noticed at the join.
   *  Empty at older workers. */
  readonly fill: Uint8Array;
  /** it knows `taskList`. */
  readonly readsLists: boolean;
};

/** Field 100 of ManagerAnswer. */
export type Welcome = {
  readonly workerId: string;
  /** only in the answer to a first join. */ readonly credential: string;
  /** counts the coordinator's starts. */ readonly epoch: number;
  /** silence after which the worker is given up, ms. */ readonly leaseMs: number;
  /** how often to ping, ms. */ readonly heartbeatMs: number;
  /** error code and text when not accepted. */ readonly refusal: string;
  readonly version: string;
  /** as of NodeDescription. */ readonly fill: Uint8Array;
  /** it knows `taskResults`. */
  readonly readsLists: boolean;
};

export type ManagerMessage =
  /** either way, on connection; answered by nodeTypeAnswer */
  | { readonly kind: "nodeTypeRequest"; readonly nodeType: NodeType }
  | { readonly kind: "nodeTypeAnswer"; readonly nodeType: NodeType }
  /** the answer to every message that needs a relation when there is none; breaks the relation */
  | { readonly kind: "notMine" }
  | { readonly kind: "ack" }
  /** worker → manager; answered by managerAnswer */
  | {
      readonly kind: "managerRequest";
      readonly workerPrice: number;
      readonly networkPrice: number;
      readonly cpuCount: number;
      /** kilobytes */ readonly memoryKb: number;
      /** kilobits per second */ readonly networkKbps: number;
      readonly programKinds: readonly number[];
      readonly node: NodeDescription | null;
    }
  | {
      readonly kind: "managerAnswer";
      readonly accepted: boolean;
      readonly welcome: Welcome | null;
    }
  /** either way; always answered by ack */
  | { readonly kind: "managerBye" }
  | { readonly kind: "managerPing" }
  | { readonly kind: "managerPong" }
  /** manager → worker; answered by ack, or notMine */
  | { readonly kind: "tasksExecute"; readonly tasks: readonly TaskExecute[] }
  | { readonly kind: "tasksPing"; readonly taskIds: readonly TaskIdBytes[] }
  | { readonly kind: "tasksPong"; readonly statuses: readonly TaskStatus[] }
  | { readonly kind: "tasksAbord"; readonly taskIds: readonly TaskIdBytes[] }
  /** worker → manager; answered by ack (durable), or notMine */
  | { readonly kind: "taskStatus"; readonly status: TaskStatus }
  /** worker → manager, extension: many statuses at once; answered by ack (durable), or notMine */
  | { readonly kind: "taskStatuses"; readonly statuses: readonly TaskStatus[] }
  /** manager → worker, extension: before the first task of a job; answered by ack. `job` is UTF-8
   *  JSON (`JobOpen`). */
  | { readonly kind: "jobOpen"; readonly job: Uint8Array }
  /** manager → worker, extension: where partitions lie. UTF-8 JSON (`StageSources`); answered by
   *  ack. */
  | { readonly kind: "stageSources"; readonly sources: Uint8Array }
  /** manager → worker, extension: the job has ended, delete what it left; answered by ack. */
  | { readonly kind: "jobClose"; readonly jobNumber: number }
  /** worker → manager, extension: lines that job code logged and progress; answered by ack, may be
   *  dropped. UTF-8 JSON (`WorkerNotes`). */
  | { readonly kind: "workerNotes"; readonly notes: Uint8Array }
  /** manager → worker, extension: report those of these that have not begun as returned, and
   *  continue the others; answered by ack. */
  | { readonly kind: "tasksReturn"; readonly taskIds: readonly TaskIdBytes[] }
  /** manager → worker, extension: as `tasksExecute`, for many attempts of one stage. UTF-8 JSON
   *  (`TaskList`); answered by ack, or notMine */
  | { readonly kind: "taskList"; readonly list: Uint8Array }
  /** worker → manager, extension: as `taskStatuses`, for tasks of one stage that are done and
   *  report no more than a result. UTF-8 JSON (`TaskResults`); answered by ack (durable), or
   *  notMine */
  | { readonly kind: "taskResults"; readonly results: Uint8Array };

type OfStage = {
  /** Tag of the cluster, hex: the same as in task ids. */
  readonly tag: string;
  readonly job: string;
  readonly stage: number;
  /** Index of each task. */
  readonly tasks: readonly number[];
  /** Of each task. */
  readonly attempts: readonly number[];
};

/** JSON inside `taskList`: in columns, since ids and messages of each task cost more than all else
 *  that is done with a short one. */
export type TaskList = OfStage & {
  /** Of each attempt; 0 = none. */
  readonly timeoutMs: number;
};

/** JSON inside `taskResults`. */
export type TaskResults = OfStage & {
  readonly durationsMs: readonly number[];
  /** JSON of each result, one line. */
  readonly values: readonly string[];
};

/** JSON inside `jobOpen`. */
export type JobOpen = JobEnvironment & {
  readonly job: string;
  readonly name: string;
  /** Owner of the job: a process never serves two owners. */
  readonly owner: string;
  readonly codeHash: string;
  readonly planHash: string;
  /** Known to this worker and the coordinator alone: it makes the tickets with which other workers
   *  read this worker's outputs of the job. */
  readonly exchangeKey: string;
  /** The coordinator's clock when this was sent, ms: tickets expire by it. */
  readonly nowMs: number;
  readonly stages: ReadonlyArray<{ readonly kind: string; readonly partitionCount: number }>;
  /** Of `programKinds`; absent: JavaScript. */
  readonly programKind?: number;
  /** "s3": partitions are put into the coordinator's object store; absent: they stay. */
  readonly shuffle?: Shuffle;
};

/** JSON inside `stageSources`: for each task of `stage` where its partitions lie, in task order. */
export type StageSources = {
  readonly job: string;
  readonly stage: number;
  /** Distinct exchange addresses of workers; "" = the coordinator passes the partitions on. */
  readonly urls: readonly string[];
  /** For each of `urls` the ticket with which the receiver, and no other worker, may read this
   *  stage's outputs there; "" = none is needed. */
  readonly tickets: readonly string[];
  /** Per task: index into `urls`, attempt, manifest root. */
  readonly tasks: ReadonlyArray<readonly [url: number, attempt: number, root: string]>;
  /** Those with the url "" may lie in the object store: the coordinator has addresses of them. */
  readonly isStored?: true;
};

/** JSON inside `workerNotes`. Lines and progress are dropped when the coordinator is behind. */
export type WorkerNotes = {
  /** Why the worker takes no new attempts from now on; "" = it takes them again. */
  readonly paused?: string | undefined;
  /** With `paused`: it will say Bye; no later note takes that back. */
  readonly leaving?: true | undefined;
  /** Share of its machine's processors that was busy in the last seconds, 0 to 1. */
  readonly cpuShare?: number | undefined;
  readonly logs: ReadonlyArray<{
    readonly job: string;
    readonly stage: number;
    readonly task: number;
    readonly attempt: number;
    readonly line: string;
  }>;
  /** Bytes read so far by running attempts. */
  readonly progress: ReadonlyArray<{
    readonly job: string;
    readonly stage: number;
    readonly task: number;
    readonly attempt: number;
    readonly inputBytes: number;
  }>;
};
