/** What the judges see of a worker's process. */
import type { SimProcess } from "../world/process.ts";

export interface WatchedWorker {
  readonly process: SimProcess;
  readonly loop: { readonly workerId: string };
  readonly executor: { readonly running: number };
  /** When it last tried to reach the coordinator, ms. */
  readonly dialledAtMs: number;
  /** When something last arrived at the coordinator from it, ms. */
  readonly heardAtMs: number;
}
