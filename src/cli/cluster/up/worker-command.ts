/** The command that starts a worker of `tequio up`. */
import { join, resolve } from "node:path";
import { memoryPerWorker } from "../../../client/memory.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import { isS3 } from "../../../engine/open-blobs.ts";
import { diskSpace } from "../../../store/disk-space.ts";
import { localUrl } from "../join-line.ts";

type WorkerFlags = {
  readonly workers: number;
  readonly blobs?: string;
  readonly memory?: number;
  readonly scratch?: number;
  readonly lowWater?: number;
  readonly sandbox: string;
  readonly python?: string;
};

/** A worker that no `up` takes over ends by itself after this. */
const orphanTime = "5m";

/** Three quarters of what is free, for all workers together. */
function scratchPerWorker(workers: number, dir: string): number {
  return Math.max(1, Math.floor((diskSpace(dir).freeBytes * 0.75) / Math.max(1, workers)));
}

/** What starts one worker of `up`. */
export function workerCommand(
  options: WorkerFlags,
  coordinator: Pick<Coordinator, "url" | "fingerprint">,
  dataDir: string,
): string[] {
  const memoryBytes = options.memory ?? memoryPerWorker(options.workers);
  const command = [
    ...process.execArgv,
    process.argv[1] as string,
    "join",
    localUrl(coordinator.url),
  ];
  command.push("--slots", "1", "--memory", String(memoryBytes), "--sandbox", options.sandbox);
  command.push("--give-up", orphanTime);
  const { blobs } = options;
  if (!isS3(blobs)) command.push("--store", resolve(blobs ?? join(dataDir, "blobs")));
  const scratch = options.scratch ?? scratchPerWorker(options.workers, dataDir);
  command.push("--scratch", String(scratch));
  // Jobs that were taken may end: the workers go on below the coordinator's mark.
  if (options.lowWater !== undefined) {
    command.push("--low-water", String(Math.floor(options.lowWater / 2)));
  }
  if (options.python !== undefined) command.push("--python", options.python);
  if (coordinator.fingerprint !== "") command.push("--fingerprint", coordinator.fingerprint);
  return command;
}
