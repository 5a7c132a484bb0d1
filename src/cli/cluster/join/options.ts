/** The options of `tequio join`, as the command line parses them. */
import type { Command } from "commander";
import { originArgument } from "../../options.ts";

export type JoinOptions = {
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
  readonly dialTimeout: number;
  readonly giveUp: number;
  /** The times of leaving, in ms; see `leaving.ts`. */
  readonly lifetime?: number;
  readonly drain?: number;
  readonly idleExit?: number;
  readonly json?: boolean;
};

/** Of workers at existing managers. */
export function withManagers(command: Command): Command {
  return command.option(
    "--ipfs-gateway <url>",
    "where to fetch programs that an existing manager offers as /ipfs/…, such as " +
      "http://127.0.0.1:8080",
    originArgument,
  );
}
