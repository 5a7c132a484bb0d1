/** `tequio rm <job>…`: removes ended jobs with their results, and prints what that freed. */
import type { Command } from "commander";
import { openClient } from "../connection.ts";
import { bytesText } from "../numbers.ts";
import { withExamples, withTarget } from "../options.ts";
import type { TargetOptions } from "../place.ts";

export function define(command: Command): void {
  withExamples(withTarget(command.argument("<job...>", "ids of finished jobs, such as j-7")), [
    ["tequio rm j-7", "delete one job and its result; files already saved stay"],
  ]).action(async (jobs: string[], options: TargetOptions) => {
    const client = await openClient(options);
    for (const job of jobs) {
      const { freedBytes } = await client.remove(job);
      const freed = freedBytes === undefined ? "" : `, ${bytesText(freedBytes)} freed`;
      console.log(`${job} is removed${freed}`);
    }
  });
}
