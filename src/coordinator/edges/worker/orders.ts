/** Turns the core's effects into messages for a worker. Pure: what is not in the effect is read
 *  from the state. */
import type { CoordinatorState } from "../../../core/coordinator.ts";
import { idNumber, type JobId, type WorkerId } from "../../../core/ids.ts";
import type { Shuffle } from "../../../core/job.ts";
import {
  jobEnvironment,
  jobOwner,
  jobSpec,
  stageSources,
  workerSpecs,
} from "../../../core/view.ts";
import type { sourceKey, ticketText } from "../../../peer/shuffle/ticket.ts";
import { hexOf } from "../../../wire/hex.ts";
import { jsonBytesMax } from "../../../wire/manager/limits.ts";
import {
  type JobOpen,
  type ManagerMessage,
  programKinds,
  type StageSources,
  type TaskList,
} from "../../../wire/manager/messages.ts";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import type { OuterEffect } from "../../loop/loop.ts";

/** What distinguishes this cluster from others, kept over restarts. */
export type ClusterKeys = {
  /** 8 bytes; in every task id. */
  readonly tag: Uint8Array;
  /** Of the job, known only to the coordinator: the keys that it shares with each worker of the job
   *  are derived from it. The same after a restart. */
  exchangeSecret(job: JobId): string;
  /** How tickets are made; as in `peer/shuffle/ticket.ts`, except where there is no
   *  `node:crypto`. */
  readonly tickets: {
    readonly sourceKey: typeof sourceKey;
    readonly ticketText: typeof ticketText;
  };
};

/** The sender's keys, and the time of sending. */
export type Speaker = {
  readonly keys: ClusterKeys;
  readonly nowMs: number;
  /** Attempts in columns: the worker reads `taskList`. */
  readonly inLists?: boolean;
  /** Of jobs that name none; absent: "workers". */
  readonly shuffle?: Shuffle | undefined;
};

/** How long a ticket for the outputs of a stage is valid, ms: a revoked worker may still read with
 *  it this long. */
export const shuffleTicketMs = 600_000;

/** Effects that are for one worker. */
export type WorkerOrder = Exclude<Extract<OuterEffect, { worker: unknown }>, { kind: "expel" }>;

/** Tasks in one message, so that the first can start before the last has arrived. */
const tasksPerMessage = 256;
const encoder = new TextEncoder();

/** The messages, in order; none when the job is no longer there. */
export function orderMessages(
  state: CoordinatorState,
  order: WorkerOrder,
  speaker: Speaker,
): ManagerMessage[] {
  const { keys } = speaker;
  switch (order.kind) {
    case "open-job":
      return openJob(state, order, speaker);
    case "send-sources": {
      const told = sourcesFor(state, order, speaker);
      const sources = encoder.encode(JSON.stringify(told));
      // A worker that has none requests them by HTTP.
      return sources.length > jsonBytesMax ? [] : [{ kind: "stageSources", sources }];
    }
    case "assign":
      return speaker.inLists
        ? taskLists(state, order, keys.tag)
        : assignments(state, order, keys.tag);
    case "abort":
      return portions(order.attempts).map((refs) => ({
        kind: "tasksAbord",
        taskIds: refs.map((ref) => packTaskId(keys.tag, ref)),
      }));
    case "take-back":
      return portions(order.attempts).map((refs) => ({
        kind: "tasksReturn",
        taskIds: refs.map((ref) => packTaskId(keys.tag, ref)),
      }));
    case "close-job":
      return [{ kind: "jobClose", jobNumber: idNumber(order.job) }];
  }
}

function openJob(
  state: CoordinatorState,
  { job, worker }: Extract<WorkerOrder, { kind: "open-job" }>,
  { keys, nowMs, shuffle }: Speaker,
): ManagerMessage[] {
  const spec = jobSpec(state, job);
  if (spec === null) return [];
  const { name, codeHash, planHash, programKind } = spec;
  const stages = spec.stages.map(({ kind, partitionCount }) => ({ kind, partitionCount }));
  const exchangeKey = keys.tickets.sourceKey(keys.exchangeSecret(job), worker);
  const owner = jobOwner(state, job) ?? "";
  const language = programKind === undefined ? {} : { programKind };
  const said = { job, name, owner, codeHash, planHash, exchangeKey, nowMs, stages };
  const isStored = (spec.shuffle ?? shuffle) === "s3" && stages.some((one) => one.partitionCount);
  const way = isStored ? ({ shuffle: "s3" } as const) : {};
  const open: JobOpen = { ...said, ...language, ...way, ...jobEnvironment(state, job) };
  return [{ kind: "jobOpen", job: encoder.encode(JSON.stringify(open)) }];
}

/** Where the outputs of a stage lie, with tickets for this worker. */
export function sourcesFor(
  state: CoordinatorState,
  to: { readonly worker: WorkerId; readonly job: JobId; readonly stage: number },
  { keys, nowMs }: Speaker,
): StageSources {
  const { job, stage, worker: requester } = to;
  const urls: string[] = [];
  const tickets: string[] = [];
  const places = new Map<string | null, number>();
  const secret = keys.exchangeSecret(job);
  const { sourceKey, ticketText } = keys.tickets;
  const scope = { job, stage, requester, expiresMs: Math.ceil(nowMs) + shuffleTicketMs };
  const sources = stageSources(state, job, stage);
  const isStored = sources.some((source) => source?.worker === null && source.isStored);
  const tasks = sources.map((source) => {
    // A hole is a task that is being computed again; the worker is informed again when it is done.
    if (source === null) return [-1, 0, ""] as const;
    const { worker } = source;
    let place = places.get(worker);
    if (place === undefined) {
      const url = worker === null ? "" : (workerSpecs(state, worker)?.exchangeUrl ?? "");
      place = urls.push(url) - 1;
      tickets.push(worker === null ? "" : ticketText(sourceKey(secret, worker), scope));
      places.set(worker, place);
    }
    return [place, source.attempt, source.root] as const;
  });
  return { job, stage, urls, tickets, tasks, ...(isStored ? { isStored } : {}) };
}

function assignments(
  state: CoordinatorState,
  order: Extract<WorkerOrder, { kind: "assign" }>,
  tag: Uint8Array,
): ManagerMessage[] {
  const { job, stage } = order;
  const spec = jobSpec(state, job);
  const timeoutMs = spec?.stages[stage]?.timeoutMs ?? 0;
  return portions(order.attempts).map((attempts) => ({
    kind: "tasksExecute",
    tasks: attempts.map(({ task, attempt }) => ({
      taskId: packTaskId(tag, { job, stage, task, attempt }),
      programAddresses: [],
      programHash: new Uint8Array(0),
      programKind: spec?.programKind ?? programKinds.javascript,
      argument: new Uint8Array(0),
      timeoutS: Math.ceil(timeoutMs / 1_000),
      networkUsageMax: 0,
      timeoutMs,
    })),
  }));
}

function taskLists(
  state: CoordinatorState,
  order: Extract<WorkerOrder, { kind: "assign" }>,
  ofCluster: Uint8Array,
): ManagerMessage[] {
  const { job, stage } = order;
  const timeoutMs = jobSpec(state, job)?.stages[stage]?.timeoutMs ?? 0;
  const tag = hexOf(ofCluster);
  return portions(order.attempts).map((refs) => {
    const tasks = refs.map(({ task }) => task);
    const attempts = refs.map(({ attempt }) => attempt);
    const list: TaskList = { tag, job, stage, timeoutMs, tasks, attempts };
    return { kind: "taskList", list: encoder.encode(JSON.stringify(list)) };
  });
}

function portions<T>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += tasksPerMessage) {
    parts.push(all.slice(at, at + tasksPerMessage));
  }
  return parts;
}
