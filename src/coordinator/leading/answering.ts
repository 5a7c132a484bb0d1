/** A coordinator that was replaced, or cannot know it, answers nothing: its successor knows what it
 *  does not. */
import { ClusterError } from "../../core/error.ts";

/** What knows whether this coordinator still leads; see the workers' edge. */
export type Ownership = { ownsLog(): true | Promise<boolean> };

/** Longest wait for a log that may be another's, or may not be reachable, ms: by then the caller
 *  had better ask another coordinator. */
const ownsLogMs = 2_000;

/** To be called before each answer that another coordinator could contradict. Throws
 *  `unavailable`. */
export async function mustLead(owner: Ownership): Promise<void> {
  const ownsLog = owner.ownsLog();
  if (ownsLog === true || (await inTime(ownsLog))) return;
  const text = "this coordinator is checking whether it was replaced; retry";
  throw new ClusterError("unavailable", text);
}

async function inTime(ownsLog: Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ownsLogMs);
  return Promise.race([ownsLog, promise]).finally(() => clearTimeout(timer));
}
