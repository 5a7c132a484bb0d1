/** `tequio get`: the result of a job that has ended, or a file that members share. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { openClient } from "../connection.ts";
import type { GetOptions } from "../files/get/fetch-context.ts";
import { withMaster } from "../files/master.ts";
import { flagOf, sizeArgument, withExamples, withJson } from "../options.ts";
import {
  collectJob,
  type ResultOptions,
  refuseOverwriteAlone,
  withResult,
} from "../result/finish.ts";

export function define(command: Command): void {
  command
    .argument(
      "<what>",
      "job such as j-7, shared name, folder such as books/, content hash or prefix, link",
    )
    .option(
      "--limit <rate>",
      "for shared files: at most this many bytes per second from each source, such as 10M",
      sizeArgument("--limit"),
    );
  command.option("--serve <host:port>", "for one shared file: seed it while downloading");
  command.option("--insecure", "fetch without encryption from peers that have no certificate");
  withExamples(withJson(withMaster(withResult(command))), [
    ["tequio get j-7 -o out/", "all result files of a job"],
    ["tequio get j-7 --merge words.ndjson", "the result as one file"],
    ["tequio get j-7 -o - | head", "standard output"],
    ["tequio get books/war.txt", "a shared file; run the command again to resume"],
    ["tequio get books/ -o library", "all files in a shared folder"],
    ["tequio get 'tequio:host:8001/5f2a…#…'", "a file by its link, without a coordinator"],
    ["tequio get old.txt --insecure", "from a peer on another machine that cannot encrypt"],
  ]).action(async (what: string, options: TargetOptions & ResultOptions & GetOptions) => {
    if (/^j-[0-9]+$/.test(what)) return await getJob(what, options);
    if (options.merge !== undefined) {
      throw new ClusterError("bad-request", "--merge is for results of jobs; use -o for a file");
    }
    const { getShared } = await import("../files/get.ts");
    await getShared(what, options);
  });
}

/** What only fetching from peers has. */
const ofPeers = ["limit", "serve", "insecure", "p4", "p4TokenFile"] as const;

async function getJob(
  job: string,
  options: TargetOptions & ResultOptions & GetOptions,
): Promise<void> {
  const peers = ofPeers.find((name) => options[name] !== undefined);
  if (peers !== undefined) {
    const why = `the result of ${job} comes from its coordinator`;
    throw new ClusterError("bad-request", `${flagOf(peers)} is for shared files; ${why}`);
  }
  refuseOverwriteAlone(options);
  const client = await openClient(options);
  const summary = await client.job(job);
  if (summary.state === "running") {
    throw new ClusterError(
      "conflict",
      `${job} still runs; follow it with \`tequio attach ${job}\``,
    );
  }
  await collectJob(client, summary, options);
}
