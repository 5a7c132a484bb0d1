/** `tequio fs`: a file system of the filesystem protocol alone, with its register if wanted: for
 *  existing clients, workers and trackers that need no cluster of ours. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { writePrivate } from "../../coordinator/access/private-file.ts";
import type { Coordinator } from "../../coordinator/coordinator.ts";
import type { Listen } from "../../link/listen.ts";
import type { Doors } from "../doors.ts";
import { withExamples, withJson } from "../options.ts";
import { packageVersion } from "../package-version.ts";
import { dataDirOf, endpointFile } from "../place.ts";
import { withAdvice } from "../upkeep/advice.ts";
import { localUrl } from "./join-line.ts";
import { startOf } from "./process/identity.ts";
import { filesystemLines, filesystemOptions, placeArgument } from "./up/filesystem-options.ts";

type Options = {
  readonly register?: Listen;
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
    .option(
      "--register <place>",
      "also serve the register at this port or host:port (no authentication; usually 9091)",
      placeArgument,
    )
    .option("--data <dir>", "directory for files (default: fs in that of `tequio up`)");
  withExamples(withJson(command), [
    ["tequio fs", "at port 8080 of this machine"],
    ["tequio fs 10.0.0.2:8080 --register 10.0.0.2:9091", "reachable from other machines"],
    ["tequio up --filesystem 8080", "the file system of a cluster, whose jobs read it, instead"],
  ]).action(serve);
}

async function serve(place: Listen | undefined, options: Options): Promise<void> {
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
  const starting = openCoordinator({
    dataDir,
    // Its own port is for `tequio ls`, `get` and `down` of this machine.
    listen: "127.0.0.1:0",
    version: packageVersion(),
    ...filesystemOptions(wanted, news),
    print: news,
    onShutdown: () => ended.resolve("tequio down"),
    onFatal: ended.reject,
  });
  const coordinator = await withAdvice(dataDir, starting);
  try {
    writeEndpoint(dataDir, coordinator);
    announce(options, coordinator, dataDir);
    console.error(`stopping (${await ended.promise})`);
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    rmSync(join(dataDir, endpointFile), { force: true });
    await coordinator.close();
  }
}

/** By which other commands find it, with `--data`. */
function writeEndpoint(dataDir: string, coordinator: Coordinator): void {
  const { filesystem, fingerprint, register } = coordinator;
  const doors: Doors = { console: null, filesystem, register, p4: null, anonymousBrowsers: false };
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

function announce(options: Options, coordinator: Coordinator, dataDir: string): void {
  const { filesystem, register } = coordinator;
  if (options.json) {
    console.log(JSON.stringify({ dataDir, pid: process.pid, filesystem, register }));
    return;
  }
  for (const line of filesystemLines(coordinator, null)) console.log(line);
  console.log(`data         ${dataDir}`);
  console.log("stop: Ctrl-C");
}
