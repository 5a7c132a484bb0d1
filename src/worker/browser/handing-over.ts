/** What of a task's order moves from one thread to the next, instead of being copied. */
import type { TaskOrder } from "./contract.ts";

/** Each once, since several parts may lie in one. */
export function buffersOf({ pieces, segments }: TaskOrder): ArrayBuffer[] {
  const all = [...pieces.map(({ bytes }) => bytes), ...segments];
  return [...new Set(all.map(({ buffer }) => buffer as ArrayBuffer))];
}
