/** Asks an existing worker about attempts that it was sent, and has not begun for long. What it
 *  does not know goes elsewhere; what it has begun unannounced counts as begun. */
import { unstartedOf } from "../../../core/view.ts";
import { packTaskId } from "../../../wire/manager/taskid.ts";
import type { Loop } from "../../loop/loop.ts";
import type { WorkerLink } from "./link.ts";
import type { ClusterKeys } from "./orders.ts";

/** How long after their assignment, in ms. */
const askMs = 30_000;
/** In one message; the next asks about others. */
const idsMax = 256;

export function askAbout(
  link: WorkerLink,
  { keys, loop }: { keys: Pick<ClusterKeys, "tag">; loop: Pick<Loop, "state" | "nowMs"> },
): void {
  if (link.worker === null) return;
  const refs = unstartedOf(loop.state, link.worker, loop.nowMs() - askMs).slice(0, idsMax);
  const taskIds = refs.map((ref) => packTaskId(keys.tag, ref));
  if (taskIds.length > 0) link.order({ kind: "tasksPing", taskIds });
}
