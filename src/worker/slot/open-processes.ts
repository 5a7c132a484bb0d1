/** The task processes of a worker from the sizes of the worker. Separate from it because the first
 *  process takes longer to start than a coordinator in the same program: it can start before. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { diskSpace } from "../../store/disk-space.ts";
import { taskMemoryMinBytes } from "../task/memory.ts";
import { Processes } from "./processes.ts";
import type { Python } from "./python.ts";
import type { Sandbox } from "./sandbox-node.ts";

export type WorkerSizes = {
  /** Of the worker; it is made when it is not there. */
  readonly dataDir: string;
  /** 1 to 1,024. */
  readonly slots: number;
  /** Memory and scratch are split evenly between the slots. */
  readonly memoryBytes: number;
  /** Default: three quarters of what is free on the disk now. */
  readonly scratchBytes?: number;
  /** As of `Processes`. */
  readonly renewsSpare?: boolean;
};

const taskScratchMinBytes = 16 * 1024 * 1024;
const scratchShare = 0.75;

/** Starts the first of them; `stop` ends them. `python`: what runs Python jobs; null = nothing. */
export function openProcesses(
  { dataDir, memoryBytes, slots, ...sizes }: WorkerSizes,
  sandbox: Sandbox,
  python: Python | null,
): Processes {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const scratchBytes = sizes.scratchBytes ?? diskSpace(dataDir).freeBytes * scratchShare;
  return new Processes({
    slots,
    python,
    sandbox,
    renewsSpare: sizes.renewsSpare ?? true,
    dir: join(dataDir, "slots"),
    memoryBytes: Math.max(taskMemoryMinBytes, Math.floor(memoryBytes / slots)),
    scratchMaxBytes: Math.max(taskScratchMinBytes, Math.floor(scratchBytes / slots)),
  });
}
