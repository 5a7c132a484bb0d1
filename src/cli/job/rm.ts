/** `tequio rm <job>…`: the coordinator forgets ended jobs and drops what they left. */
import type { Command } from "commander";
import { openClient } from "../connection.ts";
import { withExamples, withTarget } from "../options.ts";
import type { TargetOptions } from "../place.ts";

export function define(command: Command): void {
  withExamples(withTarget(command.argument("<job...>", "ids of ended jobs, as j-7")), [
    ["tequio rm j-7", "forget one job and its result; collected files stay"],
  ]).action(async (jobs: string[], options: TargetOptions) => {
    const client = await openClient(options);
    for (const job of jobs) {
      await client.remove(job);
      console.log(`${job} is forgotten`);
    }
  });
}
