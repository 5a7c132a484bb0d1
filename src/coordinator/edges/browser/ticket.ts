/** The tickets with which a browser reads the data of its attempts; apart from the edge, which also
 *  runs without `node:crypto`. */
import { createHmac } from "node:crypto";
import type { WorkerId } from "../../../core/ids.ts";

/** Opens the data of these attempts to this worker alone. The same after a restart of the
 *  coordinator, when the tab still has it. */
export function ticketOf(secret: string, worker: WorkerId, refs: string): string {
  const text = `tab\n${worker}\n${refs}`;
  return createHmac("sha256", secret).update(text).digest("base64url");
}
