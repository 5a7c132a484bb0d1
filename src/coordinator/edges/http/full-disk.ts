/** What a call answers that the coordinator's disk has no room for. */
import type { ClusterError } from "../../../core/error.ts";

/** The text, with what frees space at the coordinator. */
export function withCommand({ code, text }: Pick<ClusterError, "code" | "text">): string {
  if (code !== "storage-full" || text.includes("tequio rm")) return text;
  return `${text}; \`tequio rm\` removes jobs that have ended, as \`tequio jobs\` lists them`;
}
