/** Options of `tequio up` for the filesystem protocol, and what is printed about it. */
import { type Command, InvalidArgumentError } from "commander";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { FilesystemOptions } from "../../../coordinator/edges/filesystem/edge.ts";
import type { RegisterOptions } from "../../../coordinator/edges/filesystem/register/edge.ts";
import { ClusterError } from "../../../core/error.ts";
import { isLoopback, type Listen, parseListen } from "../../../link/listen.ts";
import { durationArgument } from "../../options.ts";
import { styled } from "../../screen.ts";

export type FilesystemFlags = JobtrackerFlags & {
  readonly filesystem?: Listen;
  readonly register?: Listen;
};

export type JobtrackerFlags = {
  readonly jobtracker?: Listen;
  readonly jobtrackerFilesystem?: readonly Listen[];
  readonly jobtrackerWorkers?: readonly Listen[];
  readonly jobtrackerFindWorkers?: boolean;
  readonly jobtrackerTaskLimit?: number;
};

export function withFilesystem(command: Command): Command {
  return withTrackers(
    command.option(
      "--filesystem <place>",
      "also serve files by the filesystem protocol at this port or host:port, found by discovery " +
        "on the UDP port after it (no authentication; needs the package zeromq; usually 8080)",
      placeArgument,
    ),
  );
}

/** All but the file system itself. */
export function withTrackers(command: Command): Command {
  return withJobtracker(
    command.option(
      "--register <place>",
      "also serve its register at this port or host:port (no authentication; usually 9091)",
      placeArgument,
    ),
  );
}

export function withJobtracker(command: Command): Command {
  return command
    .option(
      "--jobtracker <place>",
      "also take jobs of its clients and tasks of its trackers at this port or host:port, found " +
        "by discovery on the UDP port after it (no authentication; usually 7998)",
      placeArgument,
    )
    .option(
      "--jobtracker-filesystem <place>",
      "existing file system in which the JobTracker's jobs may be, besides --filesystem; may be " +
        "repeated",
      placesArgument,
    )
    .option(
      "--jobtracker-workers <place>",
      "existing worker that the JobTracker also gives tasks to; may be repeated",
      placesArgument,
    )
    .option(
      "--jobtracker-find-workers",
      "the same for existing workers that answer at UDP port 7999, or that --register has",
    )
    .option(
      "--jobtracker-task-limit <duration>",
      "give a block to another worker when an existing one has not ended it in this time, though " +
        "it answers pings (default: 1h)",
      durationArgument("--jobtracker-task-limit"),
    );
}

function placesArgument(text: string, before: readonly Listen[] = []): readonly Listen[] {
  return [...before, placeArgument(text)];
}

/** `8080` is on this machine only; `tcp://` may be before it. */
export function placeArgument(given: string): Listen {
  const text = given.replace(/^tcp:\/\//, "");
  try {
    return parseListen(/^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    throw new InvalidArgumentError("write it as 8080, or host:port as 10.0.0.2:8080");
  }
}

export function filesystemOptions(
  { filesystem, register }: FilesystemFlags,
  onNews: (text: string) => void,
): { filesystem?: FilesystemOptions; register?: RegisterOptions } {
  return {
    ...(filesystem === undefined ? {} : { filesystem: { ...filesystem, onNews } }),
    ...(register === undefined ? {} : { register }),
  };
}

/** Lines for `up`'s greeting; none without the protocol. */
export function filesystemLines(
  { filesystem, register }: Pick<Coordinator, "filesystem" | "register">,
  jobtracker: (Listen & { readonly discoveryPort: number | null }) | null,
): string[] {
  const lines: string[] = [];
  if (filesystem !== null) {
    const { discoveryPort, host, port } = filesystem;
    const found = discoveryPort === null ? "" : `, discovery on UDP ${discoveryPort}`;
    lines.push(`file system  tcp://${host}:${port}${found}`, warning(host, "can change its files"));
  }
  if (register !== null) {
    const { host, port } = register;
    lines.push(`register     tcp://${host}:${port}`, warning(host, "can register workers"));
  }
  if (jobtracker !== null) {
    const { discoveryPort, host, port } = jobtracker;
    const found = discoveryPort === null ? "" : `, discovery on UDP ${discoveryPort}`;
    lines.push(`jobtracker   tcp://${host}:${port}${found}`, warning(host, "can run jobs here"));
  }
  return lines;
}

function warning(host: string, can: string): string {
  const who = isLoopback(host) ? "every user of this machine" : "EVERY HOST that reaches this port";
  const text = `WARNING: its protocol has no authentication: ${who} ${can}`;
  return `             ${styled(["bold", "red"], text)}`;
}
