/** `tequio check DIR`: what is damaged in a data directory or a backup, and which jobs that
 *  touches. */
import type { Command } from "commander";
import { dataDirOf } from "../../client/place.ts";
import type { CheckReport } from "../../coordinator/upkeep/check.ts";
import type { Damage } from "../../coordinator/upkeep/damage.ts";
import { exitCodes } from "../faults.ts";
import { bytesText, countText, plural } from "../numbers.ts";
import { withExamples, withJson } from "../options.ts";
import { oneLine } from "../text.ts";
import { showSteps } from "./steps.ts";

type Options = { readonly json?: boolean };

export function define(command: Command): void {
  command.argument("[dir]", "data directory or backup (default: $TEQUIO_DATA)");
  withExamples(withJson(command), [
    ["tequio check", "the data directory of this machine; its coordinator may be running"],
    ["tequio check /mnt/backup/tequio", "a backup"],
  ]).action(async (dir: string | undefined, options: Options) => {
    const { checkDir } = await import("../../coordinator/upkeep/check.ts");
    const steps = showSteps(options.json === true);
    const report = await checkDir(dataDirOf(dir), steps.onProgress).finally(steps.end);
    console.log(options.json ? JSON.stringify(report) : told(report));
    if (report.damages.length > 0) process.exitCode = exitCodes.failed;
  });
}

function told(report: CheckReport): string {
  const { blobs, damages, dir, isBackup, position, records, sizeBytes } = report;
  const what = isBackup ? "backup" : "data directory";
  const seen =
    `${what} ${dir}: ${plural(records, "record")} up to ${countText(position)}, ` +
    `${plural(blobs, "blob")}, ${bytesText(sizeBytes)}`;
  if (damages.length === 0) return `${seen}: all as it was written`;
  const way = isBackup
    ? "this backup cannot be restored as it is: use another one, or make a new one"
    : "what to do: tequio restore BACKUP --data NEW_DIR; a job whose blobs are damaged can be " +
      "removed (tequio rm) and submitted again";
  return [seen, ...damages.map(line), way].join("\n");
}

function line({ jobs, kind, name, problem }: Damage): string {
  const touched = jobs.length === 0 ? "no job" : `jobs ${jobs.join(" ")}`;
  return oneLine(`damaged: ${[kind, name].join(" ").trim()}: ${problem} (touches ${touched})`);
}
