/** `tequio up`: a coordinator in this process, and a worker process per core beside it. */
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { ClusterError } from "../../core/error.ts";
import { countArgument, sizeArgument, withExamples, withJson } from "../options.ts";
import { adminTokenFile, dataDirOf, endpointFile, readEndpoint } from "../place.ts";
import type { Crew } from "./crew.ts";

type Options = {
  readonly workers: number;
  readonly listen: string;
  readonly data?: string;
  readonly memory?: number;
  readonly insecure?: boolean;
  readonly sandbox: string;
  readonly json?: boolean;
};

export function define(command: Command): void {
  const cores = availableParallelism();
  command
    .option("--workers <n>", "worker processes", countArgument("--workers", 0, 1024), cores)
    .option("--listen <address>", "host and port of the coordinator", "127.0.0.1:7070")
    .option("--data <dir>", "where jobs and results are kept (or $TEQUIO_DATA)")
    .option("--memory <size>", "memory of each worker, as 2G", sizeArgument("--memory"))
    .option("--insecure", "listen beyond this machine without TLS")
    .addOption(
      new Option("--sandbox <kind>", "how job code is kept apart")
        .choices(["auto", "strict", "basic"])
        .default("auto"),
    );
  withExamples(withJson(command), [
    ["tequio up", "a cluster of this machine's cores, for this machine only"],
    ["tequio up --listen 0.0.0.0:7070", "others may join with the line that it prints"],
    ["tequio up --workers 0 --data /srv/tequio", "only the coordinator, data elsewhere"],
  ]).action(up);
}
