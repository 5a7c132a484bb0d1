/** May this principal make this call? Pure: depends on the route's access, the role, and the job's
 *  owner. */

import { type Action, may } from "../../../core/access/roles.ts";
import { ClusterError } from "../../../core/error.ts";
import type { Principal } from "../../access/auth.ts";
import { type Access, takesToken } from "./route.ts";

/** hidden: it may do this with its own jobs only, and gets the answer for a missing job. */
export type Verdict = "yes" | "forbidden" | "hidden";

/** `owner` of the job in the path: null when there is no such job, undefined when the path names
 *  none. */
export function verdict(
  access: Access,
  principal: Principal,
  owner: string | null | undefined,
): Verdict {
  const { role } = principal;
  if (!takesToken(access) || access === "any") return "yes";
  if (access === "read" || access === "cancel") {
    if (may(role, `${access}-any`)) return owner === null ? "hidden" : "yes";
    if (!may(role, `${access}-own`)) return "forbidden";
    return owner === undefined || owner === principal.owner ? "yes" : "hidden";
  }
  return (access as readonly Action[]).some((action) => may(role, action)) ? "yes" : "forbidden";
}

export function forbidden(principal: Principal, what: string): ClusterError {
  return new ClusterError(
    "forbidden",
    `token ${principal.token} (role ${principal.role}) may not ${what}; ask an admin for another`,
  );
}
