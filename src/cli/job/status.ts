/** `tequio status <job>`: stages, counters, errors with their place in the job file, and why it
 *  waits. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { statusLines } from "../result/report.ts";

type Options = TargetOptions & { readonly json?: boolean };

export function define(command: Command): void {
  withExamples(withJson(withTarget(command.argument("<job>", "job id, such as j-7"))), [
    ["tequio status j-7", "stages, counters and recent errors"],
    ["tequio status j-7 --json", "the same as JSON"],
  ]).action(async (job: string, options: Options) => {
    const summary = await (await openClient(options)).job(job);
    if (options.json) console.log(JSON.stringify(summary));
    else console.log(statusLines(summary, process.stdout.columns ?? 100).join("\n"));
  });
}
