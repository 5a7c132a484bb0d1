/** Large inputs go to different machines first: two large tasks on one machine share its line and
 *  its memory while others have nothing to do.
 *
 *  1. A worker passes on a task with large input while a machine with fewer tasks of that stage has
 *     a free slot; and one whose input lies on a machine that has a free slot itself.
 *  2. Nothing stays unassigned for it: when no other machine takes the task, this one does. */
import { workerId } from "../../ids.ts";
import { addTo } from "../../structures/counts.ts";
import type { CoordinatorState, JobRecord, Stage, WorkerRecord } from "../state.ts";
import { mayTake } from "../workers/unfit.ts";

/** Input per task from which where a task runs matters more than how soon it is assigned, bytes. */
const largeBytes = 4 * 1024 * 1024;

export function hasLargeInput({ spec }: Stage): boolean {
  return spec.inputBytes >= largeBytes * spec.taskCount;
}

/** Whether another machine is to take a task of the stage before this worker's does. */
export function leavesToOthers(
  state: CoordinatorState,
  stage: Stage,
  worker: WorkerRecord,
): boolean {
  if (state.hungry.size < 2 || !hasLargeInput(stage)) return false;
  const hosts = hostsOf(state, stage);
  const isAt = (host: string) => (stage.queues[hosts.indexOf(host) + 1]?.size ?? 0) > 0;
  if (hosts.includes(worker.specs.host) && isAt(worker.specs.host)) return false;
  const areAllPlaced = (stage.queues[0]?.size ?? 0) === 0 && hosts.length > 0;
  const load = stage.onMachines;
  const own = load.get(machineOf(worker)) ?? 0;
  if (own === 0 && !areAllPlaced) return false;
  for (const number of state.hungry) {
    const other = state.workers.get(number) as WorkerRecord;
    const { host, slots } = other.specs;
    const hasInput = areAllPlaced && hosts.includes(host) && isAt(host);
    if (!hasInput && (load.get(machineOf(other)) ?? 0) >= own) continue;
    if (other.leases.size < slots && mayTake(state, other, stage)) return true;
  }
  return false;
}

/** Of an existing worker nothing is known: it is a machine of its own. */
export function machineOf({ number, specs }: WorkerRecord): string {
  return specs.host === "" ? workerId(number) : specs.host;
}

/** Machines on which input of the stage lies. */
function hostsOf(state: CoordinatorState, { index, job }: Stage): readonly string[] {
  if (index > 0) return [];
  return (state.jobs.get(job) as JobRecord).spec.locality?.hosts ?? [];
}

/** Keeps how many leases of the stage a worker's machine has, where that is asked for. */
export function countOnMachine(stage: Stage, worker: WorkerRecord, by: 1 | -1): void {
  if (hasLargeInput(stage)) addTo(stage.onMachines, machineOf(worker), by);
}
