/** What do thousands of jobs cost those that come after them, and the next start? */
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cli } from "../../test/fixtures/cluster.ts";
import { Started } from "../../test/fixtures/started.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { cpuMs } from "../processes.ts";
import { type Filling, fill } from "./filled.ts";

/** The promise: serving again within so many ms. */
const jobsStartMs = 2_000;
const tasksStartMs = 5_000;
/** A job after thousands of others may take so many times as long as one of the first. */
const slowdownMax = 1.5;

export const growth: Case = {
  name: "growth",
  question:
    "jobs after 1,000 and after 5,000 others; the start after them, and after a million tasks",
  async run(options) {
    const { quick } = options;
    const many = { jobs: quick ? 200 : 5_000, tasksPerJob: 10 };
    const large = { jobs: 1, tasksPerJob: quick ? 10_000 : 1_000_000 };
    const figures: Figure[] = [];
    for (const end of ["kill", "graceful"] as const) {
      const after = end === "kill" ? "a kill" : "a stop";
      const jobs = await startAfter({ ...many, end }, options);
      if (end === "kill") figures.push(slowdown(jobs.jobsMs));
      const name = `start after ${after}, 5,000 jobs`;
      figures.push({ name, value: jobs.startMs, unit: "ms", atMost: jobsStartMs });
      const tasks = await startAfter({ ...large, end }, options);
      figures.push({
        name: `start after ${after}, a million tasks: CPU`,
        value: tasks.cpuMs,
        unit: "ms",
      });
      const value = tasks.startMs;
      figures.push({
        name: `start after ${after}, a million tasks`,
        value,
        unit: "ms",
        atMost: tasksStartMs,
      });
    }
    return figures;
  },
};

/** The last fifth of the jobs against the first. */
function slowdown(jobsMs: readonly number[]): Figure {
  const fifth = Math.max(1, Math.floor(jobsMs.length / 5));
  const sum = (times: readonly number[]) => times.reduce((total, ms) => total + ms, 0);
  const value = sum(jobsMs.slice(-fifth)) / sum(jobsMs.slice(0, fifth));
  return {
    name: "a job after 4,000 others, to one of the first 1,000",
    value,
    unit: "×",
    atMost: slowdownMax,
  };
}

async function startAfter(
  filling: Filling,
  { say }: BenchOptions,
): Promise<Start & { readonly jobsMs: readonly number[] }> {
  const dataDir = newFolder("bench-growth-");
  try {
    const jobsMs = await fill(dataDir, filling);
    const { cpuMs, startMs } = await timeStart(dataDir);
    const { end, jobs, tasksPerJob } = filling;
    const seconds = [startMs, cpuMs].map((ms) => (ms / 1000).toFixed(2));
    say(`${jobs} × ${tasksPerJob} tasks, ${end}: start in ${seconds[0]} s, CPU ${seconds[1]} s`);
    return { startMs, cpuMs, jobsMs };
  } finally {
    removeFolder(dataDir);
  }
}

/** From the command to the line that says that it serves, and its CPU until then. */
type Start = { readonly startMs: number; readonly cpuMs: number };

async function timeStart(dataDir: string): Promise<Start> {
  const args = ["up", "--workers", "0", "--listen", "127.0.0.1:0", "--data", dataDir];
  const startedMs = performance.now();
  const up = Started.node([cli, ...args]);
  await up.said("run a job");
  const start = { startMs: performance.now() - startedMs, cpuMs: cpuMs(up.pid) };
  await up.stop("SIGKILL");
  return start;
}
