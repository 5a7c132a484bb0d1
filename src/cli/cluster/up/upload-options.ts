/** Options of `tequio up` for what browser tabs may bring to the coordinator's disk. */
import type { Command } from "commander";
import type { CoordinatorOptions } from "../../../coordinator/options.ts";
import { sizeArgument } from "../../options.ts";

export type UploadFlags = { readonly tabUploads?: number; readonly jobUploads?: number };

export function withUploads(command: Command): Command {
  return command
    .option(
      "--tab-uploads <size>",
      "bytes that one browser tab may upload to the coordinator per hour (default 64G)",
      sizeArgument("--tab-uploads"),
    )
    .option(
      "--job-uploads <size>",
      "bytes that tabs and unreachable workers together may upload per job (default 1T)",
      sizeArgument("--job-uploads"),
    );
}

export function uploadLimits({
  jobUploads,
  tabUploads,
}: UploadFlags): NonNullable<CoordinatorOptions["uploads"]> {
  return {
    ...(tabUploads === undefined ? {} : { tabMaxBytes: tabUploads }),
    ...(jobUploads === undefined ? {} : { jobMaxBytes: jobUploads }),
  };
}
