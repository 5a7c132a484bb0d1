/** The machine of a simulated worker, as its executor sees it. */
import type { SimFiles } from "../world/files.ts";

/** The disk of a machine, which outlives the processes there. */
export type MachineDisk = { isFull: boolean; isWatched: boolean };

/** What an executor knows of the worker that it serves. */
export type Machine = {
  readonly workerId: () => string;
  /** Why the worker takes nothing new; "" = it does. */
  readonly pausedFor: () => string;
  /** Nobody can fetch from it. */
  readonly isHidden: boolean;
  readonly disk: Readonly<MachineDisk>;
  /** The files on it, which it shares with others of the host. */
  readonly files: SimFiles;
};
