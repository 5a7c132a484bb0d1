/** Where `tequio up` keeps log and blobs when not in its data directory, and what it prints while
 *  another coordinator leads. */
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { StandbyNews } from "../../../coordinator/leading/leadership.ts";
import type { CoordinatorOptions } from "../../../coordinator/options.ts";
import { ClusterError } from "../../../core/error.ts";
import { type Shuffle, shuffles } from "../../../core/job.ts";
import { isS3 } from "../../../engine/open-blobs.ts";
import { durationArgument } from "../../options.ts";
import { writeStandby } from "./endpoint.ts";

export type EngineFlags = {
  readonly log?: string;
  readonly blobs?: string;
  readonly standby?: boolean;
  readonly leaderLease?: number;
  readonly allowSingle?: boolean;
  readonly shuffle?: Shuffle;
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
        "in PGPASSWORD or ~/.pgpass; nats://a,b,c/name, with NATS_CREDS, NATS_USER and " +
        "NATS_PASSWORD, or NATS_TOKEN (default: a file of the data directory)",
    )
    .option(
      "--blobs <place>",
      "directory for code, plans and results, or s3://bucket/prefix?endpoint=https://host:9000 " +
        "with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; coordinators of one log share it " +
        "(default: in the data directory)",
    )
    .addOption(
      new Option(
        "--shuffle <where>",
        "with --blobs s3://…: where map outputs lie of jobs that name no place: at workers, or " +
          "in S3, where they outlive the workers, which must reach its endpoint (default: workers)",
      ).choices(shuffles),
    )
    .option("--standby", "with --log: if another coordinator leads, follow it and take over")
    .option(
      "--allow-single",
      "with --log nats://…?replicas=1: the loss of a server may lose what was acknowledged",
    )
    .option(
      "--leader-lease <time>",
      "with --log: take over from a leader that is silent for this long (default 3s)",
      durationArgument("--leader-lease"),
    );
}

export type StandbyOutput = {
  readonly dataDir: string;
  readonly isJson: boolean;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  readonly onJoined: () => void;
  /** Called while this coordinator leads. */
  readonly onStandbys: (urls: readonly string[]) => void;
};

/** Throws `bad-request` for options that need others. */
export function engineOptions(
  { allowSingle = false, blobs, leaderLease, log, shuffle, standby = false }: EngineFlags,
  output: StandbyOutput,
): Pick<CoordinatorOptions, "blobs" | "leading" | "shuffle"> {
  if (shuffle === "s3" && !isS3(blobs)) {
    const text = "--shuffle s3 needs --blobs s3://bucket/prefix?endpoint=…: map outputs lie there";
    throw new ClusterError("bad-request", text);
  }
  const place = {
    ...(blobs === undefined ? {} : { blobs: isS3(blobs) ? blobs : resolve(blobs) }),
    ...(shuffle === undefined ? {} : { shuffle }),
  };
  if (log === undefined) {
    const lone = standby ? "--standby" : leaderLease === undefined ? null : "--leader-lease";
    if (lone === null) return place;
    throw new ClusterError("bad-request", `${lone} needs --log: a log that others can reach`);
  }
  if (standby && blobs === undefined) {
    const text = "--standby needs --blobs: a place that the other coordinators have, too";
    throw new ClusterError("bad-request", text);
  }
  if (leaderLease !== undefined && leaderLease < leaseMinMs) {
    throw new ClusterError("bad-request", "--leader-lease is at least 500ms; the default is 3s");
  }
  const lease = leaderLease === undefined ? {} : { leaseMs: leaderLease };
  const { onJoined, signal } = output;
  const onStandbys = (urls: readonly string[]) => {
    output.onStandbys(urls);
    reportStandbys(urls, output);
  };
  const told = { onJoined, onStandby: standbyNews(output), onStandbys };
  const leading = { log, allowSingle, ...lease, isStandby: standby, signal, ...told };
  return { leading, ...place };
}

function reportStandbys(urls: readonly string[], { isJson, print }: StandbyOutput): void {
  const known = urls.map((url) => (url === "" ? "a coordinator" : url));
  if (isJson) print(JSON.stringify({ standbys: urls }));
  else if (known.length === 0) print("no coordinator stands by");
  else print(`${known.join(", ")} stands by; workers and clients move there by themselves`);
}

/** Prints who leads whenever that changes, and lets other commands of this machine find it. */
function standbyNews({ dataDir, isJson, print }: StandbyOutput): (news: StandbyNews) => void {
  let printed = "";
  return (news) => {
    const { leader, problem } = news;
    if (leader === "" && problem === "") return;
    const by = leader === "" ? "another coordinator" : leader;
    const text = problem === "" ? `standing by: ${by} leads` : `standing by: ${problem}`;
    if (text === printed) return;
    printed = text;
    if (leader !== "") writeStandby(dataDir, news);
    print(isJson ? JSON.stringify({ standby: true, leader, problem }) : text);
  };
}
