/** SQL that queries cannot do is refused by its name. */
import { ClusterError } from "../../core/error.ts";

export function refusal(what: string, instead = ""): ClusterError {
  const hint = instead === "" ? "" : `; ${instead}`;
  return new ClusterError("bad-request", `sql: ${what} is not supported${hint}`);
}

export function wrong(text: string): ClusterError {
  return new ClusterError("bad-request", `sql: ${text}`);
}
