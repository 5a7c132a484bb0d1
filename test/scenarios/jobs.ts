/** Commands of a story about jobs, time and the coordinator itself. */
import { createHash } from "node:crypto";
import type { RetentionLimits } from "../../src/core/event.ts";
import type { JobId } from "../../src/core/ids.ts";
import type { StoryCluster } from "./cluster.ts";
import type { Command, Happened } from "./command.ts";
import { jobLines, jobName, outputLines, profileLines, sourceLines, whyLines } from "./english.ts";
import { durationOf, jobOf } from "./specs.ts";

export const jobCommands: readonly Command[] = [
  [/^(\w+) submits (.+)$/, submit],
  [
    /^(\w+) cancels job (\d+)$/,
    (cluster, [by, number]) => {
      return [cluster.happen({ kind: "job-cancelled", job: job(number), by: by as string })];
    },
  ],
  [
    /^the input of maps ([\d ]+) of job (\d+) arrives$/,
    (cluster, [maps = "", number]) => {
      const tasks = maps.split(" ").map(Number);
      return [cluster.happen({ kind: "inputs-arrived", job: job(number), tasks })];
    },
  ],
  [
    /^the input of job (\d+) is given up: (.+)$/,
    (cluster, [number, reason = ""]) => {
      return [cluster.happen({ kind: "inputs-missed", job: job(number), reason })];
    },
  ],
  [
    /^\w+ removes job (\d+)$/,
    (cluster, [number]) => [cluster.happen({ kind: "job-removed", job: job(number) })],
  ],
  [
    /^\w+ has fetched the result of job (\d+)$/,
    (cluster, [number]) => [cluster.happen({ kind: "results-fetched", jobs: [job(number)] })],
  ],
  [
    /^(\w+) keeps profile (\w+) of (map|task|reduce) (\d+) of job (\d+)$/,
    (cluster, [by = "", profile = "", kind, task, number]) => {
      const stage = kind === "reduce" ? 1 : 0;
      const of = { job: job(number), stage, task: Number(task) };
      return [cluster.happen({ kind: "profile-kept", by, profile, ...of })];
    },
  ],
  [
    /^old jobs go: kept for (.+?)(?:, job (\d+) is followed)?$/,
    (cluster, [time, followed]) => {
      const limits: RetentionLimits = {
        keepMs: durationOf(time as string),
        resultBytes: 1e12,
        recordBytes: 1e12,
        keysMs: 0,
        followed: followed === undefined ? [] : [job(followed)],
        pressed: false,
      };
      return [cluster.happen({ kind: "retention-passed", limits })];
    },
  ],
  [/^show job (\d+)$/, (cluster, [number]) => jobLines(cluster, job(number))],
  [/^show the outputs of job (\d+)$/, (cluster, [number]) => outputLines(cluster, job(number))],
  [/^show the map outputs of job (\d+)$/, (cluster, [number]) => sourceLines(cluster, job(number))],
  [/^show the profiles of job (\d+)$/, (cluster, [number]) => profileLines(cluster, job(number))],
  [/^why job (\d+)$/, (cluster, [number]) => whyLines(cluster, job(number))],
];

export const coordinatorCommands: readonly Command[] = [
  [/^(\d+ (?:ms|s|minutes?|hours?|days?)) pass(?:es)?$/, pass],
  [
    /^the next deadline comes$/,
    (cluster) => {
      const ms = Math.max(0, cluster.wakeMs() - cluster.atMs);
      if (!Number.isFinite(ms)) throw new Error("nothing has a deadline");
      return pass(cluster, [`${ms} ms`]);
    },
  ],
  [
    /^the coordinator starts(?:, (\d+) slots? per owner)?$/,
    (cluster, [slots]) => start(cluster, { slotsPerOwner: Number(slots ?? 0) }),
  ],
  [
    /^the coordinator restarts from its (log|snapshot)$/,
    (cluster, [from]) => {
      if (from === "log") cluster.state = cluster.replay();
      else cluster.reload();
      return start(cluster, {});
    },
  ],
  [
    /^the coordinator restarts with its clock (.+) ahead$/,
    (cluster, [time]) => {
      const aheadMs = durationOf(time as string);
      cluster.reload();
      cluster.atMs += aheadMs;
      return start(cluster, { aheadMs });
    },
  ],
  [
    /^the clock goes back by (.+)$/,
    (cluster, [time]) => {
      const byMs = durationOf(time as string);
      const effects = cluster.happen({ kind: "clock-corrected", byMs });
      cluster.atMs -= byMs;
      return [effects];
    },
  ],
];

function job(number: string | undefined): JobId {
  return `j-${Number(number)}`;
}

function submit(cluster: StoryCluster, found: readonly (string | undefined)[]): Happened {
  const [owner, what] = found as [string, string];
  const { spec, ...rest } = jobOf(what);
  // The spec must be known when its first tasks are sent.
  const number = cluster.state.jobsSubmitted + 1;
  cluster.specs.set(job(String(number)), spec);
  const digest = createHash("sha256").update(JSON.stringify(spec)).digest("hex");
  const effects = cluster.happen({ kind: "job-submitted", owner, digest, spec, ...rest });
  const reply = effects.find((effect) => effect.kind === "reply")?.value.job;
  return reply === undefined ? [effects] : [`accepted as ${jobName(reply)}`, effects];
}

/** Everything that is due on the way happens at its own time. */
function pass(cluster: StoryCluster, [time]: readonly (string | undefined)[]): Happened {
  const beganAtMs = cluster.atMs;
  const happened: Array<Happened[number]> = [];
  for (const [atMs, effects] of cluster.pass(beganAtMs + durationOf(time as string))) {
    happened.push(atMs - beganAtMs, effects);
  }
  return happened;
}

function start(
  cluster: StoryCluster,
  options: { readonly slotsPerOwner?: number; readonly aheadMs?: number },
): Happened {
  cluster.epoch += 1;
  const event = { kind: "coordinator-started", epoch: cluster.epoch, retains: true } as const;
  return [
    `the coordinator starts, epoch ${cluster.epoch}`,
    cluster.happen({ ...event, ...options }),
  ];
}
