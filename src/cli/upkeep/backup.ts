/** `tequio backup DEST`: a consistent copy of log, blobs and keys. */
import type { Command } from "commander";
import { packageVersion } from "../../client/package-version.ts";
import { dataDirOf } from "../../client/place.ts";
import { bytesText, countText, plural } from "../numbers.ts";
import { withExamples, withJson } from "../options.ts";
import { showSteps } from "./steps.ts";

type Options = { readonly data?: string; readonly json?: boolean };

export function define(command: Command): void {
  command
    .argument("<dest>", "directory of the backup; an existing backup is updated")
    .option("--data <dir>", "data directory to back up (or $TEQUIO_DATA)");
  withExamples(withJson(command), [
    ["tequio backup /mnt/backup/tequio", "back up now; the coordinator may be running"],
    ["tequio check /mnt/backup/tequio", "verify the backup"],
  ]).action(async (dest: string, options: Options) => {
    const { backUp } = await import("../../coordinator/upkeep/backup.ts");
    const steps = showSteps(options.json === true);
    const { onProgress } = steps;
    const version = packageVersion();
    const dataDir = dataDirOf(options.data);
    const report = await backUp({ dataDir, to: dest, version, onProgress }).finally(steps.end);
    if (options.json) return console.log(JSON.stringify(report));
    const { blobs, blobsCopied, bytesCopied, jobs, position, to } = report;
    console.log(
      `${plural(jobs, "job")} up to record ${countText(position)}, ${plural(blobs, "blob")} ` +
        `(${countText(blobsCopied)} new, ${bytesText(bytesCopied)}) are in ${to}`,
    );
  });
}
