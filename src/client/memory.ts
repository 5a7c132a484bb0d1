/** The memory that workers of this machine give to their tasks, when none is asked for. */
import { totalmem } from "node:os";

/** In bytes: a quarter of the machine, and all workers together at most half of it. */
export function memoryPerWorker(workers: number, totalBytes = totalmem()): number {
  return Math.floor(Math.min(totalBytes / 4, totalBytes / 2 / Math.max(1, workers)));
}
