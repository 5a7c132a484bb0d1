/** What the judges know about a worker's process. */
import type { SimProcess } from "../world/process.ts";

export interface WatchedWorker {
  readonly process: SimProcess;
  readonly loop: { readonly workerId: string };
  readonly executor: { readonly running: number };
  /** When it last tried to connect to the coordinator, ms. */
  readonly dialledAtMs: number;
  /** When its last message arrived at the coordinator, ms. */
  readonly heardAtMs: number;
}
