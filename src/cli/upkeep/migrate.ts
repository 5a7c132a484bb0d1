/** `tequio migrate`: moves log and blobs of a cluster into an engine, to another one, or back. */
import { resolve } from "node:path";
import type { Command } from "commander";
import { dataDirOf } from "../../client/place.ts";
import { type Places, readPlaces } from "../../coordinator/leading/places.ts";
import { ClusterError } from "../../core/error.ts";
import { isS3 } from "../../engine/open-blobs.ts";
import { countText, plural } from "../numbers.ts";
import { withExamples, withJson } from "../options.ts";
import { showSteps } from "./steps.ts";

type Options = {
  readonly data?: string;
  readonly from?: string;
  readonly to?: string;
  readonly toBlobs?: string;
  readonly allowSingle?: boolean;
  readonly json?: boolean;
};

/** In place of an address: in the data directory. */
const inDirectory = "file";

export function define(command: Command): void {
  command
    .option("--data <dir>", "data directory of the cluster (or $TEQUIO_DATA)")
    .option("--from <log>", "address of the log now, or file (default: where it was last)")
    .option("--to <log>", "new address of the log, as for `tequio up --log`, or file")
    .option(
      "--to-blobs <place>",
      "new place of the blobs, as for `tequio up --blobs`, or file (default: where they are)",
    )
    .option("--allow-single", "as for `tequio up`");
  withExamples(withJson(command), [
    [
      "tequio migrate --to postgres://tequio@db/cluster --to-blobs /srv/tequio/blobs",
      "stop the coordinator first; afterwards give `up` the same --log and --blobs",
    ],
    ["tequio migrate --to file --to-blobs file", "back into the data directory"],
  ]).action(run);
}

async function run(options: Options): Promise<void> {
  const { migrate } = await import("../../coordinator/upkeep/migrate.ts");
  const dataDir = dataDirOf(options.data);
  const from = readPlaces(dataDir);
  if (
    options.from !== undefined &&
    (options.from === inDirectory ? undefined : options.from) !== from.log
  ) {
    const known = from.log ?? `${inDirectory} (the data directory)`;
    throw new ClusterError("bad-request", `the log of ${dataDir} is ${known}, not ${options.from}`);
  }
  const to = placesOf(options, from);
  const steps = showSteps(options.json === true);
  const { onProgress } = steps;
  const report = await migrate({ dataDir, to, onProgress }).finally(steps.end);
  if (options.json) return console.log(JSON.stringify(report));
  const { blobs, blobsCopied, jobs } = report;
  const counts = `${plural(jobs, "job")}, ${plural(blobs, "blob")} (${countText(blobsCopied)} new)`;
  console.log(`${counts} are in the new place, read again and compared`);
  console.log(`start with   ${["tequio up", ...flags(to)].join(" ")}`);
}

function placesOf({ allowSingle, to, toBlobs }: Options, from: Places): Places {
  if (to === undefined && toBlobs === undefined) {
    throw new ClusterError("bad-request", "give --to, --to-blobs, or both");
  }
  const log = to === undefined ? from.log : to === inDirectory ? undefined : to;
  const blobs =
    toBlobs === undefined
      ? from.blobs
      : toBlobs === inDirectory
        ? undefined
        : isS3(toBlobs)
          ? toBlobs
          : resolve(toBlobs);
  return {
    ...(log === undefined ? {} : { log }),
    ...(blobs === undefined ? {} : { blobs }),
    ...(allowSingle === true || from.allowSingle === true ? { allowSingle: true } : {}),
  };
}

function flags({ allowSingle, blobs, log }: Places): string[] {
  return [
    ...(log === undefined ? [] : ["--log", `'${log}'`]),
    ...(blobs === undefined ? [] : ["--blobs", `'${blobs}'`]),
    ...(allowSingle === true && log !== undefined ? ["--allow-single"] : []),
  ];
}
