/** The machine of a simulated worker, as its executor sees it. */
import type { SimFiles } from "../world/files.ts";

/** The disk of a machine, which outlives its processes. */
export type MachineDisk = { isFull: boolean; isWatched: boolean };

/** What an executor knows about its worker. */
export type Machine = {
  readonly workerId: () => string;
  /** Why the worker takes nothing new; "" = it does. */
  readonly pausedFor: () => string;
  /** Other workers cannot fetch from it. */
  readonly isHidden: boolean;
  readonly disk: Readonly<MachineDisk>;
  /** The files on it, which it shares with others of the host. */
  readonly files: SimFiles;
};
