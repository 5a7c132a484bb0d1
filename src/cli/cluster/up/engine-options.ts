/** Where `tequio up` keeps log and blobs when not in its data directory, and what it prints while
 *  another coordinator leads. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { LeadingOptions } from "../../../coordinator/leading/leadership.ts";
import { ClusterError } from "../../../core/error.ts";
import { durationArgument } from "../../options.ts";

export type EngineFlags = {
  readonly log?: string;
  readonly blobs?: string;
  readonly standby?: boolean;
  readonly leaderLease?: number;
};

/** Shorter ones would depose a leader that collects garbage. */
const leaseMinMs = 500;

export const engineExample: [string, string] = [
  "tequio up --standby --log postgres://tequio@db/cluster --blobs /srv/tequio/blobs",
  "on two machines: one leads, the other follows its log and takes over",
];

export function withEngines(command: Command): Command {
  return command
    .option(
      "--log <url>",
      "keep the log in an engine: postgres://user@host/database?schema=name, with the password " +
        "in PGPASSWORD or ~/.pgpass (default: a file of the data directory)",
    )
    .option(
      "--blobs <dir>",
      "directory for code, plans and results; coordinators of one log share it " +
        "(default: in the data directory)",
    )
    .option("--standby", "with --log: if another coordinator leads, follow it and take over")
    .option(
      "--leader-lease <time>",
      "with --log: take over from a leader that is silent for this long (default 3s)",
      durationArgument("--leader-lease"),
    );
}

export type StandbyNews = {
  readonly isJson: boolean;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
};

/** Throws `bad-request` for options that need others. */
export function engineOptions(
  { blobs, leaderLease, log, standby = false }: EngineFlags,
  news: StandbyNews,
): { readonly leading?: LeadingOptions; readonly blobs?: string } {
  const place = blobs === undefined ? {} : { blobs: resolve(blobs) };
  if (log === undefined) {
    const lone = standby ? "--standby" : leaderLease === undefined ? null : "--leader-lease";
    if (lone === null) return place;
    throw new ClusterError("bad-request", `${lone} needs --log: a log that others can reach`);
  }
  if (standby && blobs === undefined) {
    const text = "--standby needs --blobs: a directory that the other coordinators have, too";
    throw new ClusterError("bad-request", text);
  }
  if (leaderLease !== undefined && leaderLease < leaseMinMs) {
    throw new ClusterError("bad-request", "--leader-lease is at least 500ms; the default is 3s");
  }
  const lease = leaderLease === undefined ? {} : { leaseMs: leaderLease };
  const { signal } = news;
  const leading = { log, ...lease, isStandby: standby, signal, onStandby: standbyNews(news) };
  return { leading, ...place };
}

/** Prints who leads whenever that changes. */
function standbyNews({ isJson, print }: StandbyNews): NonNullable<LeadingOptions["onStandby"]> {
  let printed = "";
  return ({ leader, problem }) => {
    if (leader === "" && problem === "") return;
    const by = leader === "" ? "another coordinator" : leader;
    const text = problem === "" ? `standing by: ${by} leads` : `standing by: ${problem}`;
    if (text === printed) return;
    printed = text;
    print(isJson ? JSON.stringify({ standby: true, leader, problem }) : text);
  };
}
