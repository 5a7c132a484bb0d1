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
      "how long an ended job and its result are kept (default 7d; `never`: no limit of time)",
      durationArgument("--keep"),
    )
    .option(
      "--keep-bytes <size>",
      "results of all ended jobs together; above it those that ended first go, once they were " +
        "fetched or a day has passed (default: half of the disk)",
      sizeArgument("--keep-bytes"),
    )
    .option(
      "--keep-records <size>",
      "memory for what is known of ended jobs, about 3K for a small one (default 256M)",
      sizeArgument("--keep-records"),
    )
    .option(
      "--keep-keys <time>",
      "how long the --key of a removed job still names it (default 30d)",
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
