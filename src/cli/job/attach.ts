/** `tequio attach <job>`: follows a job that was submitted before, and collects it with -o. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { openClient } from "../connection.ts";
import { followJob } from "../follow/follow.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { toPaste } from "../paste.ts";
import { answer } from "../result/answer.ts";
import {
  collectJob,
  type ResultOptions,
  refuseOverwriteAlone,
  throwIfTasksFailed,
  throwUnlessDone,
  wantsResult,
  withResult,
} from "../result/finish.ts";
import { isForPrograms } from "../result/readers.ts";

type Options = TargetOptions & ResultOptions & { readonly watch?: boolean };

export function define(command: Command): void {
  command.argument("<job>", "job id, such as j-7");
  withResult(command).option("--watch", "also print the job's log lines and failed attempts");
  withExamples(withJson(withTarget(command)), [
    ["tequio attach j-7", "show progress until the job ends"],
    ["tequio attach j-7 -o out/", "then save its result"],
  ]).action(async (job: string, options: Options) => {
    refuseOverwriteAlone(options);
    const client = await openClient(options);
    const watch = options.watch ?? false;
    const summary = await followJob(client, job, {
      // How far it is goes beside the JSON.
      quiet: isForPrograms(options),
      watch,
      detachable: true,
      connection: options,
    });
    if (wantsResult(options)) return collectJob(client, summary, options);
    // The summary of a job that failed is the same.
    if (options.json) answer(summary, options);
    throwUnlessDone(summary, { ...options, json: false });
    if (!options.json) {
      const get = toPaste(options, "get", job, "-o", "out/");
      console.log(`${job} is done; save its result with: ${get}`);
    }
    throwIfTasksFailed(summary, "; the rest of the result is there");
  });
}
