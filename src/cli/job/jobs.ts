/** `tequio jobs`: all jobs of the coordinator, newest first. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { JobSummary, RemovedSummary } from "../../core/summary.ts";
import { openClient } from "../connection.ts";
import { countText, durationText, plural } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { toPaste } from "../paste.ts";
import { styled } from "../screen.ts";
import { oneLine, table } from "../text.ts";

type Options = TargetOptions & { readonly json?: boolean };

export function define(command: Command): void {
  withExamples(withJson(withTarget(command)), [
    ["tequio jobs", "jobs of the coordinator on this machine"],
    ["tequio jobs --json", "the same as JSON"],
  ]).action(async (options: Options) => {
    const client = await openClient(options);
    const { jobs, removed } = await client.jobList();
    if (options.json) console.log(JSON.stringify(jobs));
    else if (jobs.length === 0 && removed.length === 0) {
      const run = toPaste(options, "run", "job.ts", "inputs…");
      console.log(`no jobs yet; submit one with: ${run}`);
    } else if (jobs.length > 0) {
      const [header, ...rows] = table(
        ["JOB", "STATE", "NAME", "TASKS", "TIME", "OWNER"],
        jobs.map(row),
        [3, 4],
      );
      console.log([styled("bold", header ?? ""), ...rows].join("\n"));
      for (const { audit, job } of jobs) {
        if (audit?.differs === undefined) continue;
        console.error(`${job} is not deterministic: ${toPaste(options, "status", job)}`);
      }
      for (const { doubtful = 0, job } of jobs) {
        if (doubtful === 0) continue;
        const what = `${plural(doubtful, "task")} of ${job} in doubt, a volunteer was caught later`;
        console.error(`${what}: ${toPaste(options, "recheck", job)}`);
      }
    }
    // Not on standard output: programs read a table there, or JSON.
    for (const one of removed) console.error(removedLine(one));
  });
}

const whyTexts: Readonly<Record<RemovedSummary["why"], string>> = {
  age: "their time was over (tequio up --keep)",
  bytes: "kept results had reached their bound (tequio up --keep-bytes)",
  records: "ended jobs had reached their bound (tequio up --keep-records)",
  disk: "the disk was nearly full",
};

function removedLine({ count, firstAtMs, lastAtMs, why }: RemovedSummary): string {
  const [first, last] = [timeText(firstAtMs), timeText(lastAtMs)];
  const when = first === last ? `at ${first}` : `between ${first} and ${last}`;
  const what = `${plural(count, "ended job")} ${count === 1 ? "was" : "were"} removed`;
  return `${what} ${when}: ${whyTexts[why]}`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function row(job: JobSummary): string[] {
  const done = job.stages.reduce((sum, stage) => sum + stage.done, 0);
  const all = job.stages.reduce((sum, stage) => sum + stage.taskCount, 0);
  const endMs = job.endedAtMs === 0 ? job.atMs : job.endedAtMs;
  const state = job.state === "running" && job.waitingFor !== "" ? "waiting" : job.state;
  const time = durationText(endMs - job.submittedAtMs);
  const tasks = `${countText(done)}/${countText(all)}`;
  return [job.job, state, oneLine(job.name), tasks, time, oneLine(job.owner)];
}
