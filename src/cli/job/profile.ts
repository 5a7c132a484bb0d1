/** `tequio profile j-1 3`: where a task of a submitted job spends its time. It runs again in this
 *  process, as by `replay`, under V8's sampling profiler. */
import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { findSourceMap } from "node:module";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { spentBy } from "../../wire/api/profile.ts";
import { openClient } from "../connection.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { refuseTaken } from "../result/finish.ts";
import { flameHtml } from "./profile/flame.ts";
import { profileLines } from "./profile/table.ts";
import {
  type CpuProfile,
  framesOf,
  keptProfile,
  type Place,
  type Profile,
  profileTree,
} from "./profile/tree.ts";
import { numberOfTask, reduceHelp, replayed } from "./replay.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly publish?: boolean;
  readonly reduce?: boolean;
};

/** Between two samples, µs. */
const everyUs = 200;

export function define(command: Command): void {
  command
    .argument("<job>", "id of a submitted job, such as j-3")
    .argument("[task]", "number of its task or map task, from 0", "0")
    .option(
      "-o, --output <file>",
      "a file: .html is a flame graph, .cpuprofile what DevTools and editors open",
    )
    .option("--reduce", reduceHelp)
    .option("--publish", "keep it with the job: the job's page and its report draw it")
    .option("--overwrite", "replace the file that -o names");
  withExamples(withJson(withTarget(command)), [
    ["tequio profile j-3", "the functions in which map task 0 spends its time"],
    ["tequio profile j-3 2 --reduce", "those in which reduce task 2 does, without the map tasks"],
    ["tequio profile j-3 17 -o flame.html", "task 17 as a flame graph"],
    ["tequio profile j-3 17 --publish", "the same on the page of j-3, for all who may see the job"],
  ]).action(profile);
}

async function profile(job: string, task: string, options: Options): Promise<void> {
  const { output } = options;
  const number = numberOfTask(task, "profile");
  if (output !== undefined) {
    if (!/\.(html|cpuprofile)$/.test(output)) {
      const text = `${output} is no profile by its name; end it in .html or .cpuprofile`;
      throw new ClusterError("bad-request", text);
    }
    refuseTaken({ kind: "file", path: output, replace: options.overwrite === true });
  }
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: everyUs });
  let found: CpuProfile | null = null;
  const isReduce = options.reduce === true;
  await replayed({ job, task: number, isReduce }, options, async (run) => {
    await run(() => session.post("Profiler.start"));
    found = (await session.post("Profiler.stop")).profile;
  });
  session.disconnect();
  const what = `${isReduce ? "reduce task" : "task"} ${number} of ${job}`;
  const tree = profileTree(found ?? nothing, placeIn);
  await save(found ?? nothing, { tree, what }, output);
  const place = { job, stage: isReduce ? 1 : 0, task: number };
  if (options.publish === true) await publish(tree, place, options);
  show({ tree, what }, options);
  if (options.json === true || options.publish !== true) return;
  console.log(`kept: the page of ${job} draws it, and \`tequio report ${job}\` has it, too`);
}

const nothing: CpuProfile = { nodes: [] };

type Found = { readonly tree: Profile; readonly what: string };

async function save(found: CpuProfile, { tree, what }: Found, output?: string): Promise<void> {
  if (output === undefined) return;
  const isGraph = output.endsWith(".html");
  await writeFile(output, isGraph ? flameHtml(tree, what) : JSON.stringify(found));
}

async function publish(
  tree: Profile,
  { job, stage, task }: { readonly job: string; readonly stage: number; readonly task: number },
  options: Options,
): Promise<void> {
  if (tree.samples === 0) {
    const text = `task ${task} of ${job} was over before a sample was taken`;
    throw new ClusterError("bad-request", `${text}; profile one that takes longer`);
  }
  const client = await openClient(options);
  await client.drawn.keepProfile(job, keptProfile(tree, { stage, task }));
}

function show({ tree, what }: Found, { json, output, publish }: Options): void {
  if (json) {
    const functions = spentBy(framesOf(tree));
    const { samples } = tree;
    const published = publish === true ? { published: true } : {};
    console.log(JSON.stringify({ totalUs: tree.root.totalUs, samples, functions, ...published }));
    return;
  }
  for (const line of profileLines(tree, what)) console.log(line);
  if (output !== undefined) console.log(`profile: ${output}`);
}

/** By the source map of the job's bundle, which was loaded from a folder of its own. */
const placeIn: Place = ({ columnNumber, lineNumber, url }) => {
  if (!url.includes("/tequio-job-")) return null;
  const entry = findSourceMap(url)?.findEntry(lineNumber, columnNumber);
  if (entry === undefined || !("originalSource" in entry)) return "job.mjs";
  const file = entry.originalSource.slice(entry.originalSource.lastIndexOf("/") + 1);
  return `${file}:${entry.originalLine + 1}`;
};
