/** `run --sequential`: the judge, in this process; the place to debug a job and to doubt a
 *  cluster. */
import { dirname, relative } from "node:path";
import process from "node:process";
import { ClusterError } from "../../core/error.ts";
import { errorsIn } from "../../core/thrown.ts";
import { evenGlobals } from "../../environment/globals.ts";
import { pinRealm, surround, useEnvironment } from "../../environment/install.ts";
import { steadyMs } from "../../environment/steady.ts";
import { jobFrames, placeOf } from "../../environment/thrown.ts";
import { hostId } from "../../link/host.ts";
import type { BuiltJob } from "../../sdk/bundle.ts";
import { saveResult } from "../../sdk/collect.ts";
import { type LocalOptions, type LocalRun, runLocal } from "../../sdk/local.ts";
import type { PlannedFound } from "../../sdk/plan/of-found.ts";
import { jobSpecOf } from "../../sdk/plan/spec.ts";
import { planJob } from "../../sdk/plan.ts";
import { outputOf } from "../../sdk/table/shape.ts";
import { failureOf } from "../../worker/process/failure.ts";
import { JobFailed } from "../faults.ts";
import {
  destinationOf,
  refuseOtherFormat,
  refuseTaken,
  tell,
  tellFailed,
} from "../result/finish.ts";
import { safeText } from "../text.ts";
import { withJobConsole } from "./job-console.ts";
import { jobName, planOptions, type RunOptions } from "./plan-options.ts";
import { endJobCode } from "./strays.ts";

const stackLinesMax = 6;

export async function runSequential(
  built: BuiltJob,
  inputs: readonly string[],
  options: RunOptions,
): Promise<void> {
  const name = jobName(built, options);
  const to = destinationOf(options, name);
  refuseTaken(to);
  refuseOtherFormat(to, outputOf(built.job));
  const startMs = steadyMs();
  const planned = await planJob(built.job, {
    ...planOptions(built.job.kind, inputs, options),
    host: hostId(),
  });
  try {
    // Refuses what a coordinator would refuse.
    jobSpecOf(built.job, planned, { name, codeHash: "", planHash: "" });
    const { result, counters } = await judge(built, planned, options);
    const { files, sizeBytes, leftOut = 0, bad = null } = await saveResult(result, to);
    const ended = {
      name,
      durationMs: steadyMs() - startMs,
      waitedMs: 0,
      counters,
      files: files.filter((file) => file !== bad?.file),
      dir: to.kind === "folder" ? to.path : "",
      records: null,
      sizeBytes,
      bad,
      leftOut,
    };
    tell(ended, null, options);
  } catch (error) {
    const durationMs = steadyMs() - startMs;
    if (error instanceof JobFailed) tellFailed({ name, durationMs, error }, options);
    throw error;
  } finally {
    await planned.remove();
  }
}

/** Language, time zone, clock and `Math` of workers, for the rest of this process: before the job's
 *  code is loaded, which keeps what it makes at its top. `atMs`: the time of its submission. */
export function pinSequential(atMs = submittedAtMs): void {
  pinRealm();
  surround({ frozenAtMs: atMs });
  useEnvironment({});
}

/** What the job's code sees as the time of its submission. */
const submittedAtMs = Date.now();

/** Runs it, or one of its tasks, in this process. Rejects with `JobFailed`, which has the job's own
 *  lines. */
export async function judge(
  built: Pick<BuiltJob, "file" | "job" | "zip">,
  planned: PlannedFound,
  options: Pick<RunOptions, "json" | "watch"> & Pick<LocalOptions, "only" | "submittedAtMs">,
): Promise<LocalRun> {
  const print = (line: string) => {
    if (!options.json || options.watch) process.stderr.write(`${safeText(line)}\n`);
  };
  const only = options.only === undefined ? {} : { only: options.only };
  const given = { onLog: print, submittedAtMs: options.submittedAtMs ?? submittedAtMs, ...only };
  // By what jobs do not have.
  const unfolded = (await planned.unfolded?.()) ?? planned;
  const restore = evenGlobals();
  const waiting = Promise.withResolvers<never>();
  process.once("beforeExit", () => waiting.reject(nothingLeft()));
  try {
    const running = withJobConsole(print, () => runLocal(built.job, unfolded, given));
    return await Promise.race([running, waiting.promise]);
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    // The same line as of a worker, with the place in the job file.
    const { message } = failureOf(error, dirname(built.file));
    const places = built.zip === undefined ? jobLines(error.cause, built) : traceback(error.cause);
    const lines = [message, ...places];
    throw new JobFailed(error.code, lines.join("\n"), { cause: error });
  } finally {
    endJobCode();
    restore();
  }
}

/** On a worker such a task runs into its time limit. */
function nothingLeft(): ClusterError {
  const text = "run returned a promise that nothing settles any more: no timer, no input is left";
  return new ClusterError("user-error", text);
}

/** As Python has written it; the job's own lines alone. */
function traceback(error: unknown): string[] {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return stack.startsWith("Traceback") ? stack.split("\n") : [];
}

/** What happened in the job's own files, innermost first. */
function jobLines(error: unknown, built: Pick<BuiltJob, "file">): string[] {
  const first = errorsIn(error).find((one) => placeOf(one) !== "");
  const lines = jobFrames(first).slice(0, stackLinesMax);
  return lines.map(
    (line) => `    ${line.replace(/\/[^\s():]+/, (path) => shortPath(path, built))}`,
  );
}

/** The bundle was loaded from a temporary folder as if it lay beside the job file. */
function shortPath(path: string, built: Pick<BuiltJob, "file">): string {
  const own = path
    .replace("file://", "")
    .replace(/^.*\/tequio-job-[^/]+\//, `${dirname(built.file)}/`);
  const short = relative(process.cwd(), own);
  return short.startsWith("..") ? own : short;
}
