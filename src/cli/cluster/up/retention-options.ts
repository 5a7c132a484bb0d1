/** Options of `tequio up` about ended jobs: how long and how much of them is kept. */
import type { Command } from "commander";
import type { RetentionOptions } from "../../../coordinator/jobs/retention.ts";
import { durationArgument, sizeArgument } from "../../options.ts";

export type RetentionFlags = {
  readonly keep?: number;
  readonly keepBytes?: number;
  readonly keepRecords?: number;
  readonly keepKeys?: number;
};

export function withRetention(command: Command): Command {
  return command
    .option(
      "--keep <time>",
      "keep finished jobs and their results for this long (default 7d; `never`: no time limit)",
      durationArgument("--keep"),
    )
    .option(
      "--keep-bytes <size>",
      "bound on the results of all finished jobs; the oldest are removed first, once they were " +
        "fetched or a day has passed (default: half of the disk)",
      sizeArgument("--keep-bytes"),
    )
    .option(
      "--keep-records <size>",
      "memory for records of finished jobs, about 3K for a small job (default 256M)",
      sizeArgument("--keep-records"),
    )
    .option(
      "--keep-keys <time>",
      "how long the --key of a removed job stays taken (default 30d)",
      durationArgument("--keep-keys"),
    );
}

export function retentionOptions(flags: RetentionFlags): Partial<RetentionOptions> {
  const { keep, keepBytes, keepKeys, keepRecords } = flags;
  return {
    ...(keep === undefined ? {} : { keepMs: keep }),
    ...(keepBytes === undefined ? {} : { resultBytes: keepBytes }),
    ...(keepRecords === undefined ? {} : { recordBytes: keepRecords }),
    ...(keepKeys === undefined ? {} : { keysMs: keepKeys }),
  };
}
