/** The options of `tequio join`, as the command line parses them. */
import type { Command } from "commander";
import { originArgument } from "../../options.ts";
import { type JobtrackerFlags, withJobtracker } from "../up/filesystem-options.ts";

export type JoinOptions = JobtrackerFlags & {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly slots: number;
  readonly memory?: number;
  readonly scratch?: number;
  readonly lowWater?: number;
  readonly name: string;
  readonly data?: string;
  readonly store?: string;
  readonly record?: string;
  readonly restart: boolean;
  readonly supervised?: boolean;
  readonly listen: string;
  readonly sandbox: "auto" | "strict" | "basic";
  /** A path, or `none`. */
  readonly python?: string;
  readonly ipfsGateway?: string;
  readonly submitTokenFile?: string;
  readonly dialTimeout: number;
  readonly giveUp: number;
  readonly json?: boolean;
};

/** Of workers of existing systems: of managers, and of trackers of the filesystem protocol. */
export function withSystems(command: Command): Command {
  const all = withJobtracker(command).option(
    "--submit-token-file <file>",
    "with --jobtracker: file with a submitter's token, by which the coordinator takes its jobs",
  );
  return all.option(
    "--ipfs-gateway <url>",
    "where to fetch programs that an existing manager offers as /ipfs/…, such as " +
      "http://127.0.0.1:8080",
    originArgument,
  );
}
