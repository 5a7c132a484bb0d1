/** Reads a story, replays it on the core, and writes it down with what has happened.
 *
 *  A story is a text of parts, with an empty line between them:
 *
 *      # why this happens, for the reader
 *
 *      worker 2 goes silent
 *      ----
 *      worker 2 is lost
 *      task 3 of job 1, attempt 2 -> worker 1
 *
 *  Above the dashes are commands, one a line; below is what they brought about. */
import type { JobId } from "../../src/core/ids.ts";
import { attemptCommands } from "./attempts.ts";
import { StoryCluster } from "./cluster.ts";
import type { Command, Happened } from "./command.ts";
import { effectLines } from "./english.ts";
import { coordinatorCommands, jobCommands } from "./jobs.ts";
import { sharingCommands } from "./sharing.ts";
import { workerCommands } from "./workers.ts";

const commands: readonly Command[] = [
  ...workerCommands,
  ...attemptCommands,
  ...coordinatorCommands,
  ...sharingCommands,
  ...jobCommands,
];

const dashes = "----";

/** The story with what happens now below its dashes. Throws for a line that is no command. */
export function replayStory(text: string, options: { readonly reloads?: boolean } = {}): string {
  const cluster = new StoryCluster(options.reloads === true);
  const states = new Map<JobId, string>();
  const parts = text
    .trim()
    .split(/\n{2,}/)
    .map((part) => {
      const lines = part.split("\n");
      if (lines.every((line) => line.startsWith("#"))) return part;
      const end = lines.indexOf(dashes);
      const given = end < 0 ? lines : lines.slice(0, end);
      const happened = given.flatMap((line) => {
        return line.startsWith("#") ? [] : perform(cluster, line, states);
      });
      return [...given, dashes, ...(happened.length > 0 ? happened : ["nothing happens"])].join(
        "\n",
      );
    });
  return `${parts.join("\n\n")}\n`;
}

function perform(cluster: StoryCluster, line: string, states: Map<JobId, string>): string[] {
  const command = commands.find(([pattern]) => pattern.test(line));
  if (command === undefined) throw new Error(`no command of a story: ${line}`);
  const [pattern, run] = command;
  try {
    return linesOf(cluster, run(cluster, (pattern.exec(line) as RegExpExecArray).slice(1)), states);
  } catch (error) {
    if (!(error instanceof Error) || !/broken law|I\d/.test(error.message)) throw error;
    return [`BROKEN LAW: ${error.message}`];
  }
}

function linesOf(cluster: StoryCluster, happened: Happened, states: Map<JobId, string>): string[] {
  let after = "";
  return happened.flatMap((one) => {
    if (typeof one === "string") return [one];
    if (typeof one === "number") {
      after = one === 0 ? "" : `after ${one} ms: `;
      return [];
    }
    return effectLines(cluster, one, states).map((line) => after + line);
  });
}
