/** What job code throws where nothing catches it while it is in this process: to be built, to make
 *  a list of items, or to be judged. Without a listener the engine would end the command with a
 *  stack of its own. */
import process from "node:process";
import { shown } from "../../core/thrown.ts";
import { startJob, strayCame, strayText, trackTimers } from "../../environment/strays.ts";
import { jobTexts } from "../../environment/thrown.ts";
import { exitCodeFor, faultText } from "../faults.ts";

/** For the rest of this process; to be called before job code is loaded. `late`: what came when its
 *  task had ended, which changes nothing any more. */
export function watchStrays(late: (line: string) => void): void {
  trackTimers();
  const came = (kind: "exception" | "rejection") => (thrown: unknown) => {
    const found = strayCame({ kind, thrown });
    if (found.kind === "late" && found.owner.of !== null) {
      late(`after the task had ended, ${strayText({ kind, thrown })}: ${shown(thrown, jobTexts)}`);
    }
    if (found.kind !== "unknown") return;
    process.stderr.write(`${faultText(thrown, process.argv.includes("--debug"))}\n`);
    process.exit(exitCodeFor(thrown));
  };
  process.on("uncaughtException", came("exception"));
  process.on("unhandledRejection", came("rejection"));
}

/** The job's code has done here what it is for; what it has left must not hold up the command. */
export function endJobCode(): void {
  startJob(true);
}
