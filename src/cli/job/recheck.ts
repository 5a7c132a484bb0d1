/** `tequio recheck <job>`: computes those results of a finished job again that volunteers made who
 *  were caught afterwards. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { JobSummary } from "../../core/summary.ts";
import { openClient } from "../connection.ts";
import { followJob } from "../follow/follow.ts";
import { countText } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { toPaste } from "../paste.ts";
import { answer } from "../result/answer.ts";
import { throwUnlessDone } from "../result/finish.ts";

type Options = TargetOptions & { readonly json?: boolean; readonly detach?: boolean };

export function define(command: Command): void {
  command
    .argument("<job>", "id of a finished job, such as j-7")
    .option("--detach", "print the id of the new job and exit");
  withExamples(withJson(withTarget(command)), [
    ["tequio recheck j-7", "compute its doubtful tasks again, as a new job on own workers"],
    ["tequio recheck j-7 --detach", "the same, without waiting"],
  ]).action(async (job: string, options: Options) => {
    const client = await openClient(options);
    const { job: again } = await client.recheck(job);
    if (options.detach) return console.log(options.json ? JSON.stringify({ job: again }) : again);
    // How far it is goes to standard error, beside the JSON.
    const follow = { quiet: false, watch: false, detachable: true, connection: options };
    const summary = await followJob(client, again, follow);
    // The summary of a job that failed is the same.
    if (options.json) answer(summary, {});
    throwUnlessDone(summary, {});
    if (!options.json)
      console.log(recheckedText(job, summary, toPaste(options, "get", again, "-o", "out/")));
  });
}

/** `get`: the command that saves the new result. */
export function recheckedText(job: string, summary: JobSummary, get: string): string {
  const { changed = 0, tasks = 0 } = summary.recheck ?? {};
  const what = `${countText(tasks)} doubtful task${tasks === 1 ? "" : "s"} of ${job}`;
  if (changed === 0) return `${what} computed again: the same results; ${job} is right`;
  return `${what} computed again, ${countText(changed)} with another result; save it with: ${get}`;
}
