/** `tequio why <job> [task]`: the chain of reasons why something waits. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { moveText, type TaskHistory } from "../../core/why/history.ts";
import { reasonText } from "../../core/why/reasons.ts";
import { openClient } from "../connection.ts";
import { countArgument, withExamples, withJson, withTarget } from "../options.ts";
import { withPastable } from "../paste.ts";
import { oneLine } from "../text.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly stage?: number;
  readonly history?: boolean;
};

export function define(command: Command): void {
  command
    .argument("<what>", "job such as j-7, or worker such as w-2")
    .argument("[task]", "task of the job, counted from 0")
    .option("--stage <n>", "stage of the task, counted from 0", countArgument("--stage", 0, 100))
    .option("--history", "also every move of its attempts so far, and the event that caused it");
  withExamples(withJson(withTarget(command)), [
    ["tequio why j-7", "why the job is not done yet"],
    ["tequio why j-7 12 --stage 1", "why reduce task 12 is waiting"],
    ["tequio why j-7 12 --history", "where map task 12 has been, and what moved it"],
    ["tequio why w-2", "why the worker is idle"],
  ]).action(async (what: string, task: string | undefined, options: Options) => {
    if (what.startsWith("w-") && (task !== undefined || options.stage !== undefined)) {
      throw new ClusterError("bad-request", "a worker has no tasks of its own; name a job instead");
    }
    const client = await openClient(options);
    const isWorker = what.startsWith("w-");
    if (isWorker && options.history) {
      throw new ClusterError("bad-request", "--history is for a job or a task, as in `why j-7 12`");
    }
    const of = taskOf(task, options.stage);
    const why = isWorker ? await client.whyWorker(what) : await client.why(what, of);
    const history = options.history ? await client.history(what, of) : null;
    if (options.json) return console.log(JSON.stringify({ ...why, ...(history ?? {}) }));
    const texts = why.reasons.map((reason) => withPastable(reasonText(reason), options));
    for (const line of lines(texts)) console.log(line);
    for (const line of historyLines(history, of === null)) console.log(line);
  });
}

/** `isJob`: the moves are of many tasks, and each line says of which. */
function historyLines(history: TaskHistory | null, isJob: boolean): string[] {
  if (history === null) return [];
  const older = history.partial ? ["(older moves are no longer kept)"] : [];
  const moves = history.moves.map((move) => {
    const at = new Date(move.atMs);
    const ms = String(at.getMilliseconds()).padStart(3, "0");
    const time = `${at.toTimeString().slice(0, 8)}.${ms}`;
    const which = isJob ? `stage ${move.stage}, task ${move.task}: ` : "";
    return `${time}  ${which}${moveText(move)}`;
  });
  return ["", ...older, ...moves];
}

/** Each explains the one before. */
function lines(reasons: readonly string[]): string[] {
  return reasons.map(
    (text, depth) => `${"  ".repeat(depth)}${depth > 0 ? "└ " : ""}${oneLine(text)}`,
  );
}

function taskOf(
  task: string | undefined,
  stage: number | undefined,
): { readonly stage: number; readonly task: number } | null {
  if (task === undefined && stage === undefined) return null;
  if (task === undefined || !/^\d{1,8}$/.test(task)) {
    throw new ClusterError(
      "bad-request",
      "give the task as a number, counted from 0, as in `tequio why j-7 12 --stage 1`",
    );
  }
  return { stage: stage ?? 0, task: Number(task) };
}
