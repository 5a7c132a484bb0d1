/** `tequio logs <job>`: the lines that a job's code wrote with `log()`; `--operations`: what users
 *  of the console asked the coordinator of this machine. */
import type { Command } from "commander";
import { dataDirOf, type TargetOptions } from "../../client/place.ts";
import {
  type LoggedOperation,
  readOperations,
} from "../../coordinator/edges/console/operations-log.ts";
import { ClusterError } from "../../core/error.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { oneLine } from "../text.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly operations?: boolean;
};

export function define(command: Command): void {
  command
    .argument("[job]", "job id, such as j-7")
    .option("-f, --follow", "keep printing until the job ends")
    .option("--operations", "print the operations of console users instead, newest last");
  withExamples(withJson(withTarget(command)), [
    ["tequio logs j-7", "log lines so far"],
    ["tequio logs j-7 -f", "log lines so far, then new ones as they come"],
    ["tequio logs --operations", "operations of console users on this machine's coordinator"],
  ]).action(async (job: string | undefined, options: Options) => {
    if (options.operations) return printOperations(job, options);
    if (job === undefined) throw new ClusterError("bad-request", "give a job, or --operations");
    const client = await openClient(options);
    let count = 0;
    for await (const line of client.logs(job, { follow: options.follow ?? false })) {
      count += 1;
      console.log(options.json ? JSON.stringify(line) : `${line.task} | ${oneLine(line.line)}`);
    }
    if (count === 0 && !options.json) console.error(`${job} has logged nothing so far`);
  });
}

function printOperations(job: string | undefined, options: Options): void {
  if (job !== undefined || options.follow || options.url !== undefined) {
    const text = "--operations reads the data directory of this machine: no job, --follow or --url";
    throw new ClusterError("bad-request", text);
  }
  for (const operation of readOperations(dataDirOf(options.data))) {
    console.log(options.json ? JSON.stringify(operation) : operationLine(operation));
  }
}

function operationLine({ at, operation, user, file, host, outcome }: LoggedOperation): string {
  const what = `${operation ?? "(unreadable)"} FROM ${oneLine(user)}`;
  return [at, what, oneLine(file), `(${oneLine(host)})`, outcome].filter(Boolean).join(" ");
}
