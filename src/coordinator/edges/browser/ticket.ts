/** The tickets that open the data of attempts to the browser that has them; apart from the edge,
 *  which runs where there is no `node:crypto`, too. */
import { createHmac } from "node:crypto";
import type { WorkerId } from "../../../core/ids.ts";

/** Opens the data of these attempts to this worker, and says nothing to anybody else. The same
 *  after a restart of the coordinator, when the tab still has it. */
export function ticketOf(secret: string, worker: WorkerId, refs: string): string {
  const text = `tab\n${worker}\n${refs}`;
  return createHmac("sha256", secret).update(text).digest("base64url");
}
