/** Follows a job to its end: progress on the screen, logs when wanted, Ctrl-C, a coordinator that
 *  restarts. */
import { setTimeout as delay } from "node:timers/promises";
import { assert, ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import type { JobSummary } from "../../core/summary.ts";
import type { Client } from "../../sdk/client.ts";
import { Interrupted } from "../faults.ts";
import { type Connection, toPaste, withPastable } from "../paste.ts";
import { observe, type Progress, plainLine, stageLines } from "../progress.ts";
import { openScreen, type Screen } from "../screen.ts";
import { oneLine } from "../text.ts";
import { onInterrupt } from "./interrupt.ts";
import { printLogs } from "./logs.ts";
import { Standstill } from "./standstill.ts";

export type FollowOptions = {
  /** No progress at all: the caller prints JSON. */
  readonly quiet: boolean;
  /** Also what the job's code logs, and each attempt that failed. */
  readonly watch: boolean;
  /** Whether the job goes on when this process leaves. */
  readonly detachable: boolean;
  /** For the commands that are printed. */
  readonly connection: Connection;
};

/** Between two lines where nothing can be drawn over, in ms. */
const plainEveryMs = 3000;
/** How long a coordinator that restarts is waited for, in ms. */
const patienceMs = 120_000;
const awayText =
  "the coordinator does not answer; tasks under way go on, " +
  "and so does the job once `tequio up` runs again";

/** Resolves with the last summary. Throws `Interrupted` after Ctrl-C, `unavailable` when patience
 *  ends. */
export async function followJob(
  client: Client,
  job: string,
  options: FollowOptions,
): Promise<JobSummary> {
  const screen = openScreen();
  const leave = new AbortController();
  let cancelled = false;
  const release = onInterrupt(
    {
      cancel() {
        cancelled = true;
        client.cancel(job).catch((error: Error) => {
          said(screen, `cannot cancel ${job}: ${oneLine(error.message)}`, options);
        });
      },
      detach: () => leave.abort(new Interrupted()),
    },
    { screen: options.quiet ? silent : screen, detachable: options.detachable },
  );
  const logs = options.watch ? printLogs(client, job, { screen, signal: leave.signal }) : null;
  try {
    const last = await watchJob(client, job, { ...options, screen, signal: leave.signal });
    await Promise.race([logs, delay(1000, null, { ref: false })]);
    screen.end();
    if (cancelled && last.state === "cancelled") {
      throw new Interrupted(said(screen, `${job} is cancelled`, options));
    }
    return last;
  } catch (error) {
    screen.end();
    if (!leave.signal.aborted) throw gone(error, job, options);
    if (!options.detachable || cancelled) throw new Interrupted();
    const again = toPaste(options.connection, "attach", job);
    const text = `${job} goes on; follow it again with: ${again}`;
    throw new Interrupted(said(screen, text, options));
  } finally {
    release();
    screen.end();
    leave.abort(new Interrupted());
  }
}

/** Asks nothing either. */
const silent: Screen = {
  live: false,
  width: () => 80,
  print() {},
  draw() {},
  end() {},
};

/** The line, which is printed where people read. */
function said(screen: Screen, line: string, { quiet }: Pick<FollowOptions, "quiet">): string {
  if (!quiet) screen.print(line);
  return line;
}

/** A coordinator that does not come back has the job: it is not to be submitted again. */
function gone(error: unknown, job: string, { connection, detachable }: FollowOptions): unknown {
  if (!detachable || !(error instanceof ClusterError) || error.code !== "unavailable") return error;
  const up = withPastable("once `tequio up` runs again", connection);
  const again = toPaste(connection, "attach", job);
  const text = `the coordinator has not answered for ${patienceMs / 60_000} min; ${job} is kept`;
  return new ClusterError(
    "unavailable",
    `${text}, and goes on ${up}; follow it again with: ${again}`,
    { cause: error },
  );
}

type Watching = FollowOptions & { readonly screen: Screen; readonly signal: AbortSignal };

async function watchJob(client: Client, job: string, options: Watching): Promise<JobSummary> {
  const show = options.quiet && !options.watch ? () => {} : shower(options);
  const { signal, screen, quiet } = options;
  let last: JobSummary | null = null;
  let isAway = false;
  const onAway = () => {
    if (!isAway && !quiet) screen.print(withPastable(awayText, options.connection));
    isAway = true;
  };
  const why = options.detachable ? toPaste(options.connection, "why", job) : null;
  const standstill = new Standstill({ why, say: (line) => quiet || screen.print(line) });
  try {
    for await (const summary of client.watch(job, { signal, patienceMs, onAway })) {
      if (isAway && !quiet) screen.print("the coordinator answers again");
      isAway = false;
      show(summary);
      standstill.observe(summary);
      last = summary;
    }
  } finally {
    standstill.end();
  }
  assert(last !== null && last.state !== "running", `${job} was followed to its end`);
  return last;
}

function failureText(error: Failure): string {
  return `${error.code}: ${oneLine(error.message)}`;
}

/** Draws each summary, or prints a line now and then; prints failed attempts once, all of them when
 *  watching. */
function shower(options: Watching): (summary: JobSummary) => void {
  const { quiet, screen, watch } = options;
  let progress: Progress | null = null;
  let lastLine = "";
  let nextLineMs = performance.now() + plainEveryMs;
  const seen = new Set<string>();
  return (summary) => {
    progress = observe(progress, summary);
    // The error that ended the job is printed at its end.
    const told = watch || summary.state === "running" ? summary.errors.toReversed() : [];
    for (const error of told) {
      const text = `${error.task} failed on ${error.worker}: ${failureText(error)}`;
      // Unless watched, the first of each kind: enough to know why nothing moves.
      const key = watch ? text : error.code;
      if (!seen.has(key)) screen.print(text);
      seen.add(key);
    }
    if (quiet) return;
    if (screen.live) return screen.draw(stageLines(progress, screen.width()));
    const ended = summary.state !== "running";
    const line = plainLine(progress);
    // A job that ends before the first line is due needs none: its summary follows.
    const isDue = ended ? lastLine !== "" : performance.now() >= nextLineMs;
    if (!isDue || line === lastLine) return;
    screen.print(line);
    lastLine = line;
    nextLineMs = performance.now() + plainEveryMs;
  };
}
