/** Gives tasks to an existing worker. Apart from other orders, as items must be read first. */
import { attemptKey } from "../../../core/ids.ts";
import { leasesOf } from "../../../core/view.ts";
import type { TaskExecute } from "../../../wire/manager/messages.ts";
import { unpackTaskId } from "../../../wire/manager/taskid.ts";
import type { Loop } from "../../loop/loop.ts";
import type { WorkerLink } from "./link.ts";
import type { Assignment, Programs } from "./programs.ts";

/** Never rejects: a link over which nothing can be assigned is closed, so that others get the
 *  tasks. */
export async function assignModule(
  link: WorkerLink,
  order: Assignment,
  { loop, programs }: { loop: Pick<Loop, "state">; programs?: Pick<Programs, "assignment"> },
): Promise<void> {
  try {
    if (programs === undefined) return;
    const { kind, tasks } = await programs.assignment(order, link.base);
    // Some may have been taken from it meanwhile.
    const leased = new Set(leasesOf(loop.state, order.worker).map(attemptKey));
    const isLeased = ({ taskId }: TaskExecute) => {
      const ref = unpackTaskId(taskId);
      return ref !== null && leased.has(attemptKey(ref));
    };
    link.order({ kind, tasks: tasks.filter(isLeased) });
  } catch (error) {
    link.close((error as Error).message);
  }
}
