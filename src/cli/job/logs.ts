/** `tequio logs <job>`: the lines that a job's code wrote with `log()`. */
import type { Command } from "commander";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import type { TargetOptions } from "../place.ts";
import { oneLine } from "../text.ts";

type Options = TargetOptions & { readonly json?: boolean; readonly follow?: boolean };

export function define(command: Command): void {
  command.argument("<job>", "its id, as j-7").option("-f, --follow", "go on until the job ends");
  withExamples(withJson(withTarget(command)), [
    ["tequio logs j-7", "what was logged so far"],
    ["tequio logs j-7 -f", "and what is logged from now on"],
  ]).action(async (job: string, options: Options) => {
    const client = await openClient(options);
    for await (const line of client.logs(job, { follow: options.follow ?? false })) {
      console.log(options.json ? JSON.stringify(line) : `${line.task} | ${oneLine(line.line)}`);
    }
  });
}
