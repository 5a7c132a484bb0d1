/** `tequio rm <job>…`: removes ended jobs with their results, and prints what that freed. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { Removed } from "../../wire/api/messages.ts";
import { openClient } from "../connection.ts";
import { bytesText } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";

export function define(command: Command): void {
  command.argument("<job...>", "ids of finished jobs, such as j-7");
  withExamples(withJson(withTarget(command)), [
    ["tequio rm j-7", "delete one job and its result; files already saved stay"],
    ["tequio rm j-7 j-8 --json", "a line of JSON for each: what was freed"],
  ]).action(async (jobs: string[], options: TargetOptions & { readonly json?: boolean }) => {
    const client = await openClient(options);
    for (const job of jobs) {
      const removed = await client.remove(job);
      console.log(options.json ? JSON.stringify({ job, ...removed }) : removedText(job, removed));
    }
  });
}

/** What it freed, and what of it stays and why; a coordinator of an older version says less. */
export function removedText(job: string, removed: Partial<Removed>): string {
  const { freedBytes, laterBytes = 0, sharedBytes = 0 } = removed;
  const parts = [`${job} is removed`];
  if (freedBytes !== undefined) parts.push(`, ${bytesText(freedBytes)} freed`);
  if (sharedBytes > 0) parts.push(`; ${bytesText(sharedBytes)} stay, which other jobs use, too`);
  if (laterBytes > 0) parts.push(`; ${bytesText(laterBytes)} go when they are not in use any more`);
  return parts.join("");
}
