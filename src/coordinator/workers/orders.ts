/** Turns the core's effects into messages for a worker. Pure: what is not in the effect is read
 *  from the state. */
import type { CoordinatorState } from "../../core/coordinator.ts";
import { idNumber, type JobId } from "../../core/ids.ts";
import { jobOwner, jobSpec, stageSources, workerSpecs } from "../../core/view.ts";
import {
  type JobOpen,
  type ManagerMessage,
  programKinds,
  type StageSources,
} from "../../wire/manager/messages.ts";
import { packTaskId } from "../../wire/manager/taskid.ts";
import type { OuterEffect } from "../run.ts";

/** What tells this cluster from others, kept over restarts. */
export type ClusterKeys = {
  /** 8 bytes; in every task id. */
  readonly tag: Uint8Array;
  /** What a worker shows another one to fetch partitions of the job; the same after a restart. */
  exchangeSecret(job: JobId): string;
};

/** Effects that are for one worker. */
export type WorkerOrder = Extract<OuterEffect, { worker: unknown }>;

/** Tasks in one message, so that the first can start before the last has arrived. */
const tasksPerMessage = 256;
const encoder = new TextEncoder();

/** The messages, in order; none when the job is no longer there. */
export function orderMessages(
  state: CoordinatorState,
  order: WorkerOrder,
  keys: ClusterKeys,
): ManagerMessage[] {
  switch (order.kind) {
    case "open-job":
      return openJob(state, order.job, keys);
    case "send-sources":
      return [sources(state, order.job, order.stage)];
    case "assign":
      return assignments(state, order, keys.tag);
    case "abort":
      return portions(order.attempts).map((refs) => ({
        kind: "tasksAbord",
        taskIds: refs.map((ref) => packTaskId(keys.tag, ref)),
      }));
    case "close-job":
      return [{ kind: "jobClose", jobNumber: idNumber(order.job) }];
  }
}

function openJob(state: CoordinatorState, job: JobId, keys: ClusterKeys): ManagerMessage[] {
  const spec = jobSpec(state, job);
  if (spec === null) return [];
  const { name, codeHash, planHash } = spec;
  const stages = spec.stages.map(({ kind, partitionCount }) => ({ kind, partitionCount }));
  const exchangeSecret = keys.exchangeSecret(job);
  const owner = jobOwner(state, job) ?? "";
  const open: JobOpen = { job, name, owner, codeHash, planHash, exchangeSecret, stages };
  return [{ kind: "jobOpen", job: encoder.encode(JSON.stringify(open)) }];
}

function sources(state: CoordinatorState, job: JobId, stage: number): ManagerMessage {
  const urls: string[] = [];
  const places = new Map<string | null, number>();
  const tasks = stageSources(state, job, stage).map((source) => {
    // A hole is a task that is being computed again; the worker is told once more when it is done.
    if (source === null) return [-1, 0, ""] as const;
    const { worker } = source;
    let place = places.get(worker);
    if (place === undefined) {
      const url = worker === null ? "" : (workerSpecs(state, worker)?.exchangeUrl ?? "");
      place = urls.push(url) - 1;
      places.set(worker, place);
    }
    return [place, source.attempt, source.root] as const;
  });
  const told: StageSources = { job, stage, urls, tasks };
  return { kind: "stageSources", sources: encoder.encode(JSON.stringify(told)) };
}

function assignments(
  state: CoordinatorState,
  order: Extract<WorkerOrder, { kind: "assign" }>,
  tag: Uint8Array,
): ManagerMessage[] {
  const { job, stage } = order;
  const timeoutMs = jobSpec(state, job)?.stages[stage]?.timeoutMs ?? 0;
  return portions(order.attempts).map((attempts) => ({
    kind: "tasksExecute",
    tasks: attempts.map(({ task, attempt }) => ({
      taskId: packTaskId(tag, { job, stage, task, attempt }),
      programAddresses: [],
      programHash: new Uint8Array(0),
      programKind: programKinds.javascript,
      argument: new Uint8Array(0),
      timeoutS: Math.ceil(timeoutMs / 1_000),
      networkUsageMax: 0,
      timeoutMs,
    })),
  }));
}

function portions<T>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += tasksPerMessage) {
    parts.push(all.slice(at, at + tasksPerMessage));
  }
  return parts;
}
