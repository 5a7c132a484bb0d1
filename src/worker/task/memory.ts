/** What a task holds, of the memory that it may have: bounds of tables and buffers.
 *
 *  1. Output does not depend on it, where `combine` is exact: a worker with less spills earlier,
 *     and its spills are merged to the same bytes.
 *  2. With 256 MiB or more for a task the bounds of the plan hold. */
import type { Plan } from "../../wire/block/plan.ts";

/** The least that a task is given: below it the engine's own heap has no room for job code. */
export const taskMemoryMinBytes = 64 * 1024 * 1024;

/** Buffers of a sort take what they are counted for; tables of the engine about twice as much, and
 *  as much again until they are collected. */
const sortShare = 2;
const tableShare = 4;
/** Runs are merged in buffers of this share. */
const mergeShare = 2;

/** The plan with the bound for spills that fits `memoryBytes`; undefined = the plan's own. */
export function fitting(plan: Plan, memoryBytes: number | undefined): Plan {
  if (memoryBytes === undefined) return plan;
  const share = plan.operator?.apply.operator === "sort" ? sortShare : tableShare;
  const spillBytes = Math.min(plan.spillBytes, Math.floor(memoryBytes / share));
  return { ...plan, spillBytes };
}

/** Of `atMost` bytes for merging, those that fit. */
export function mergeBytesOf(memoryBytes: number | undefined, atMost: number): number {
  return Math.min(atMost, Math.floor((memoryBytes ?? Infinity) / mergeShare));
}
