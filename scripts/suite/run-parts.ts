/** Runs files of tests in processes of their own, as many at once as leave no processor idle, and
 *  reports as Node's own runner does: what processes print at once, the tests of a file when it has
 *  ended, failures again at the end. */
import { setMaxListeners } from "node:events";
import { PassThrough, type Readable } from "node:stream";
import { run } from "node:test";
import { lookEveryMs, Pace } from "./pace.ts";
import type { Part } from "./parts.ts";

type Report = { readonly type: string; readonly data: Record<string, unknown> };
type Counts = Record<string, number>;

const together = new URL("one-process.ts", import.meta.url).pathname;
/** What the runner adds up at the end of each run. */
const totals = ["tests", "suites", "pass", "fail", "cancelled", "skipped", "todo", "duration_ms"];
const isTotal = new RegExp(`^(${totals.join("|")}) [\\d.]+$`);

export type PartsRun = {
  /** Reports, for a reporter of `node:test/reporters`. */
  readonly reports: Readable;
  /** Whether all tests have passed. */
  readonly ended: Promise<boolean>;
};

/** With `cpuFile` the processor time of each part is appended to that file. */
export function runParts(
  parts: readonly Part[],
  { cpuFile = null, timeoutMs }: { readonly cpuFile?: string | null; readonly timeoutMs: number },
): PartsRun {
  const reports = new PassThrough({ objectMode: true });
  // Each run listens for the end of this process.
  setMaxListeners(0, process);
  if (cpuFile !== null) process.env.SUITE_CPU = cpuFile;
  const execArgv = cpuFile === null ? [] : ["--import", import.meta.resolve("./cpu.ts")];
  return { reports, ended: runAll(parts, { timeoutMs, execArgv }, reports) };
}

type Options = { readonly timeoutMs: number; readonly execArgv: string[] };

async function runAll(parts: readonly Part[], options: Options, reports: PassThrough) {
  const beganMs = performance.now();
  const left = [...parts];
  const running = new Set<Promise<void>>();
  const counts: Counts = {};
  const pace = new Pace();
  let success = true;
  const start = (part: Part) => {
    const print = (report: Report) => void reports.write(report);
    const ran = runPart(part, { ...options, print }).then((ended) => {
      for (const report of ended.reports) print(report);
      // A run without a summary has not ended as it should.
      success &&= ended.summaries.length > 0;
      for (const { data } of ended.summaries) {
        success &&= data.success === true;
        addCounts(counts, data.counts as Counts);
      }
      running.delete(ran);
    });
    running.add(ran);
  };
  while (left.length > 0) {
    for (const part of left.splice(0, pace.atOnce(running.size) - running.size)) start(part);
    await Promise.race([...running, pause(lookEveryMs)]);
  }
  await Promise.all(running);
  const lines = totalsOf(counts, performance.now() - beganMs);
  for (const message of lines) {
    reports.write({ type: "test:diagnostic", data: { nesting: 0, level: "info", message } });
  }
  reports.end();
  return success;
}

type PartEnded = {
  readonly reports: readonly Report[];
  readonly summaries: readonly Report[];
};
type Running = Options & { readonly print: (report: Report) => void };

async function runPart(files: Part, { execArgv, print, timeoutMs }: Running): Promise<PartEnded> {
  const [first = ""] = files;
  const isOne = files.length === 1;
  const options = isOne ? { files: [first] } : { files: [together], argv: [...files] };
  const reports: Report[] = [];
  const summaries: Report[] = [];
  const all = { ...options, execArgv, timeout: timeoutMs };
  for await (const report of run(all) as AsyncIterable<Report>) {
    const { data, type } = report;
    const isSum =
      type === "test:diagnostic" && data.nesting === 0 && isTotal.test(`${data.message}`);
    if (type === "test:stdout" || type === "test:stderr") print(report);
    // Of one file there may be a summary, too, which the one of the run includes.
    else if (type === "test:summary") summaries.push(...(data.file === undefined ? [report] : []));
    else if (!isSum) reports.push(report);
  }
  return { reports, summaries };
}

function addCounts(sums: Counts, counts: Counts): void {
  for (const [name, count] of Object.entries(counts)) sums[name] = (sums[name] ?? 0) + count;
}

/** As the runner words them. */
function totalsOf(counts: Counts, tookMs: number): string[] {
  const named: Counts = { ...counts, pass: counts.passed ?? 0, fail: counts.failed ?? 0 };
  return totals.map((name) => `${name} ${name === "duration_ms" ? tookMs : (named[name] ?? 0)}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
