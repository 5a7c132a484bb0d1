/** What callers get whose events a loop that failed has not taken. */
import { ClusterError } from "../../core/error.ts";

/** A log that another coordinator took over is not the caller's matter: the same call, to the one
 *  that leads now, is right. */
export function refusalOf(error: Error): ClusterError {
  const isReplaced = error instanceof ClusterError && error.code === "fenced";
  if (isReplaced) return new ClusterError("unavailable", `${error.text}; retry`, { cause: error });
  if (error instanceof ClusterError) return error;
  const text = `the coordinator had to stop (${error.message}); start it again`;
  return new ClusterError("unavailable", text);
}

/** Whether another coordinator took the log over: a start that meets it has it as the cause of what
 *  its callers get. */
export function wasReplaced(error: unknown): boolean {
  const { cause, code } = Object(error) as Partial<ClusterError>;
  return code === "fenced" || (Object(cause) as Partial<ClusterError>).code === "fenced";
}
