/** `tequio get <job> -o out/`: collects the result of a job that has ended. */
import type { Command } from "commander";
import { ClusterError } from "../../core/error.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import type { TargetOptions } from "../place.ts";
import { collectJob, type ResultOptions, withResult } from "../result/finish.ts";

export function define(command: Command): void {
  command.argument("<job>", "its id, as j-7");
  withExamples(withJson(withTarget(withResult(command))), [
    ["tequio get j-7 -o out/", "all files of the result"],
    ["tequio get j-7 --merge words.ndjson", "one file"],
    ["tequio get j-7 -o - | head", "standard output"],
  ]).action(async (job: string, options: TargetOptions & ResultOptions) => {
    const client = await openClient(options);
    const summary = await client.job(job);
    if (summary.state === "running") {
      throw new ClusterError(
        "conflict",
        `${job} still runs; follow it with \`tequio attach ${job}\``,
      );
    }
    await collectJob(client, summary, options);
  });
}
