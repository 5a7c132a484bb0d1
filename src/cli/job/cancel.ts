/** `tequio cancel <job>…`: no new attempt starts after it, no output appears. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";

type Options = TargetOptions & { readonly json?: boolean };

export function define(command: Command): void {
  withExamples(withJson(withTarget(command.argument("<job...>", "job ids, such as j-7"))), [
    ["tequio cancel j-7", "cancel one job"],
    ["tequio cancel j-7 j-8", "cancel two jobs"],
  ]).action(async (jobs: string[], options: Options) => {
    const client = await openClient(options);
    for (const job of jobs) {
      const summary = await client.cancel(job);
      if (options.json) console.log(JSON.stringify(summary));
      else if (summary.state === "cancelled") console.log(`${job} is cancelled`);
      else console.log(`${job} has ended already: ${summary.state}`);
    }
  });
}
