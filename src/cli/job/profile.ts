/** `tequio profile j-1 3`: where a task of a submitted job spends its time. It runs again in this
 *  process, as by `replay`, under V8's sampling profiler. */
import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";
import { findSourceMap } from "node:module";
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import { ClusterError } from "../../core/error.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { refuseTaken } from "../result/finish.ts";
import { flameHtml } from "./profile/flame.ts";
import { profileLines } from "./profile/table.ts";
import { type CpuProfile, type Place, profileTree, spentBy } from "./profile/tree.ts";
import { numberOfTask, reduceHelp, replayed } from "./replay.ts";

type Options = TargetOptions & {
  readonly json?: boolean;
  readonly output?: string;
  readonly overwrite?: boolean;
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
    .option("--overwrite", "replace the file that -o names");
  withExamples(withJson(withTarget(command)), [
    ["tequio profile j-3", "the functions in which map task 0 spends its time"],
    ["tequio profile j-3 2 --reduce", "those in which reduce task 2 does, without the map tasks"],
    ["tequio profile j-3 17 -o flame.html", "task 17 as a flame graph"],
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
  await show(found ?? { nodes: [] }, what, options);
}

async function show(found: CpuProfile, what: string, { json, output }: Options): Promise<void> {
  const tree = profileTree(found, placeIn);
  if (output !== undefined) {
    const isGraph = output.endsWith(".html");
    await writeFile(output, isGraph ? flameHtml(tree, what) : JSON.stringify(found));
  }
  if (json) {
    const functions = spentBy(tree);
    console.log(JSON.stringify({ totalUs: tree.root.totalUs, samples: tree.samples, functions }));
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
