/** `tequio fs`: a file system of the filesystem protocol alone, with its register if wanted: for
 *  existing clients, workers and trackers that need no cluster of ours. With a JobTracker it is a
 *  machine of its own in front of a coordinator elsewhere. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import {
  dataDirOf,
  endpointFile,
  findTarget,
  type Listeners,
  type Target,
} from "../../client/place.ts";
import { writePrivate } from "../../coordinator/access/private-file.ts";
import type { Coordinator } from "../../coordinator/coordinator.ts";
import { ClusterError } from "../../core/error.ts";
import type { WorkerServing } from "../../jobtracker/worker.ts";
import type { Listen } from "../../link/listen.ts";
import { withLogJson } from "../log-json.ts";
import { withExamples, withJson } from "../options.ts";
import { localUrl } from "./join-line.ts";
import { startOf } from "./process/identity.ts";
import {
  type FilesystemFlags,
  filesystemLines,
  filesystemOptions,
  placeArgument,
  withTrackers,
} from "./up/filesystem-options.ts";
import { besideCoordinator, openJobtracker } from "./up/jobtracker.ts";

type Options = FilesystemFlags & {
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly data?: string;
  readonly json?: boolean;
};

const usualPlace: Listen = { host: "127.0.0.1", port: 8080 };

export function define(command: Command): void {
  command
    .argument(
      "[place]",
      "port or host:port, found by discovery on the UDP port after it (default: 8080; no " +
        "authentication; needs the package zeromq)",
      placeArgument,
    )
    .option("--data <dir>", "directory for files (default: fs in that of `tequio up`)")
    .option("--url <url>", "with --jobtracker: coordinator that computes its jobs")
    .option("--token-file <file>", "file with a submitter's token for it, mode 0600")
    .option("--token <token>", "the token itself; other users of this machine can see it")
    .option("--fingerprint <hex>", "refuse a coordinator with a different certificate");
  withExamples(withLogJson(withJson(withTrackers(command))), [
    ["tequio fs", "at port 8080 of this machine"],
    ["tequio fs 10.0.0.2:8080 --register 10.0.0.2:9091", "reachable from other machines"],
    [
      "tequio fs 10.0.0.2:8080 --jobtracker 10.0.0.2:7998 --url https://host:7070 --token-file t",
      "jobs of its clients run on a cluster elsewhere",
    ],
    ["tequio up --filesystem 8080", "the file system of a cluster, whose jobs read it, instead"],
  ]).action(serve);
}

async function serve(place: Listen | undefined, options: Options): Promise<void> {
  const target = computing(options);
  const dataDir = options.data ?? join(dataDirOf(undefined), "fs");
  const ended = Promise.withResolvers<string>();
  const onSignal = (signal: string) => ended.resolve(signal);
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  const { openCoordinator } = await import("../../coordinator/coordinator.ts");
  const news = (text: string) => console.error(text);
  const { register } = options;
  const wanted = {
    filesystem: place ?? usualPlace,
    ...(register === undefined ? {} : { register }),
  };
  const coordinator = await openCoordinator({
    dataDir,
    // Its own port is for `tequio ls`, `get` and `down` of this machine.
    listen: "127.0.0.1:0",
    version: packageVersion(),
    ...filesystemOptions(wanted, news),
    print: news,
    onShutdown: () => ended.resolve("tequio down"),
    onFatal: ended.reject,
  });
  let jobtracker: WorkerServing | null = null;
  try {
    if (target !== null) {
      const parts = besideCoordinator(coordinator, dataDir, target);
      jobtracker = await openJobtracker(options, parts);
    }
    writeEndpoint(dataDir, { coordinator, jobtracker });
    announce(options, { coordinator, jobtracker, dataDir });
    console.error(`stopping (${await ended.promise})`);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    await jobtracker?.close();
    rmSync(join(dataDir, endpointFile), { force: true });
    await coordinator.close();
  }
}

/** Null without a JobTracker; one needs a coordinator that has workers. */
function computing(options: Options): Target | null {
  if (options.jobtracker === undefined) return null;
  if (options.url === undefined) {
    const text = "--jobtracker needs --url and --token-file of the coordinator that computes";
    throw new ClusterError("bad-request", `${text}; one of its own is in tequio up`);
  }
  const { fingerprint, token, tokenFile, url } = options;
  return findTarget({
    url,
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  });
}

type Started = { readonly coordinator: Coordinator; readonly jobtracker: WorkerServing | null };

/** By which other commands find it, with `--data`. */
function writeEndpoint(dataDir: string, { coordinator, jobtracker }: Started): void {
  const { filesystem, fingerprint, register } = coordinator;
  const places = { console: null, filesystem, register, jobtracker, p4: null };
  const doors: Listeners = { ...places, anonymousBrowsers: false };
  const { pid } = process;
  const endpoint = {
    url: localUrl(coordinator.url),
    listen: coordinator.url,
    fingerprint,
    pid,
    start: startOf(pid) ?? "",
    version: packageVersion(),
    doors,
  };
  writePrivate(join(dataDir, endpointFile), `${JSON.stringify(endpoint)}\n`);
}

function announce(
  options: Options,
  { coordinator, dataDir, jobtracker }: Started & { readonly dataDir: string },
): void {
  const { filesystem, register } = coordinator;
  if (options.json) {
    const { pid } = process;
    console.log(JSON.stringify({ dataDir, pid, filesystem, register, jobtracker }));
    return;
  }
  for (const line of filesystemLines(coordinator, jobtracker)) console.log(line);
  console.log(`data         ${dataDir}`);
  console.log("stop: Ctrl-C");
}
