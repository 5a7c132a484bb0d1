/** What of a worker's words one message of the manager protocol holds. */
import { reportsBytesMax } from "../../wire/manager/limits.ts";
import type { TaskStatus } from "../../wire/manager/messages.ts";
import type { Serving } from "../executor.ts";

/** As many outputs as a message has room for; the coordinator has the others computed again. */
export function fittingServing(serving: Serving, maxBytes: number): Serving {
  const fitting: Array<Serving[number]> = [];
  let leftBytes = maxBytes - 2;
  for (const { job, stage, tasks } of serving) {
    leftBytes -= JSON.stringify({ job, stage, tasks: [] }).length + 1;
    const room = leftBytes;
    const end = tasks.findIndex((task) => {
      leftBytes -= String(task).length + 1;
      return leftBytes < 0;
    });
    if (room < 0) break;
    fitting.push(end === -1 ? { job, stage, tasks } : { job, stage, tasks: tasks.slice(0, end) });
    if (end !== -1) break;
  }
  return fitting;
}

/** Statuses in groups that one message holds each. */
export function bySize(statuses: readonly TaskStatus[]): TaskStatus[][] {
  const groups: TaskStatus[][] = [];
  let sizeBytes = Infinity;
  for (const status of statuses) {
    sizeBytes += status.report.length + 64;
    if (sizeBytes > reportsBytesMax) {
      groups.push([]);
      sizeBytes = status.report.length + 64;
    }
    groups.at(-1)!.push(status);
  }
  return groups;
}
