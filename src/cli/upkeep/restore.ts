/** `tequio restore SRC --data DIR`: a data directory from a backup. */
import type { Command } from "commander";
import { plural } from "../numbers.ts";
import { withExamples, withJson } from "../options.ts";
import { showSteps } from "./steps.ts";

type Options = { readonly data: string; readonly json?: boolean };

export function define(command: Command): void {
  command
    .argument("<src>", "directory made by `tequio backup`")
    .requiredOption("--data <dir>", "new data directory; must be empty");
  withExamples(withJson(command), [
    ["tequio restore /mnt/backup/tequio --data /srv/tequio", "then: tequio up --data /srv/tequio"],
  ]).action(async (src: string, options: Options) => {
    const { restore } = await import("../../coordinator/upkeep/restore.ts");
    const steps = showSteps(options.json === true);
    const { onProgress } = steps;
    const report = await restore({ from: src, dataDir: options.data, onProgress }).finally(
      steps.end,
    );
    if (options.json) return console.log(JSON.stringify(report));
    const { blobs, dataDir, jobs, madeAt } = report;
    console.log(
      `${plural(jobs, "job")} and ${plural(blobs, "blob")} of ${madeAt} are in ${dataDir}\n` +
        "what came later is lost; restart workers that were joined, then: " +
        `tequio up --data ${dataDir}`,
    );
  });
}
