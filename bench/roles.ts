/** How much memory a cluster takes, by role: coordinator, workers, task processes. From /proc,
 *  while something runs. */
import { readFileSync } from "node:fs";
import type { Figure } from "./case.ts";
import { ownBytesOf, peakOf, treeOf } from "./memory.ts";

const everyMs = 200;

/** Bytes; 0 where there is no /proc. */
export type Roles = {
  /** The most that the coordinator ever had resident. */
  readonly coordinator: number;
  /** The same of one worker, without its tasks. */
  readonly worker: number;
  /** The same of one task process. */
  readonly task: number;
  /** The most that all of them had at the same time: their own, and their shares of what they have
   *  with others. */
  readonly all: number;
};

export type RolesWatch = { stop(): Roles };

/** `coordinator`: process of a `tequio up`, whose children are the workers. */
export function watchRoles(coordinator: number): RolesWatch {
  const peaks = { coordinator: 0, worker: 0, task: 0, all: 0 };
  const look = () => {
    let sum = 0;
    for (const pid of treeOf(coordinator)) {
      sum += ownBytesOf(pid);
      const role = pid === coordinator ? "coordinator" : roleOf(pid);
      if (role !== null) peaks[role] = Math.max(peaks[role], peakOf(pid));
    }
    peaks.all = Math.max(peaks.all, sum);
  };
  look();
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { ...peaks };
    },
  };
}

/** By its command; null: a program of the sandbox that waits for a task process, or a process that
 *  has just begun. */
function roleOf(pid: number): "worker" | "task" | null {
  const command = commandOf(pid);
  if (!/^\S*node$/.test(command[0] ?? "")) return null;
  if (command.includes("join")) return "worker";
  return command.some((part) => part.startsWith("--permission")) ? "task" : null;
}

function commandOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** `what` is the name of the load. */
export function rolesFigures(what: string, roles: Roles): Figure[] {
  const figure = (name: string, bytes: number): Figure => {
    return { name: `${what}: most memory of ${name}`, value: bytes / 1e6, unit: "MB" };
  };
  return [
    figure("the coordinator", roles.coordinator),
    figure("a worker", roles.worker),
    figure("a task process", roles.task),
    figure("all processes together", roles.all),
  ];
}
