/** Do two jobs at once take longer than one after the other? Two word counts of different code, 64
 *  MB each, on two workers: a slot that goes from one job to the other must not start a process at
 *  every turn. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { type Cluster, cli, root, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median, takeTurns } from "../case.ts";
import { command } from "../command.ts";
import { watchCpu } from "../sort/cpu.ts";
import { zipfFile } from "../zipf.ts";

const fullBytes = 64 * 1024 * 1024;
const quickBytes = 4 * 1024 * 1024;
/** Of each job, so that there are turns to take. */
const splits = 16;
/** The claim: at most so many times as long as one after the other. */
const slowdownMax = 1.2;

export const twoJobs: Case = {
  name: "two-jobs",
  question: "two word counts of different code at once on two workers, against one after the other",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = options.quick ? quickBytes : fullBytes;
  const input = zipfFile(sizeBytes);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  const jobs = ["a", "b"].map((name) => jobFile(directory, name));
  let round = 0;
  const start = (job: string) => {
    const out = join(directory, `out-${round++}`);
    const split = String(Math.ceil(sizeBytes / splits));
    return runJob(cluster, ["run", job, input, "-o", out, "--split-bytes", split]);
  };
  const cpu = { "at once": [] as number[], "one after the other": [] as number[] };
  const contestant = (name: keyof typeof cpu, work: () => Promise<unknown>) => ({
    name,
    async run() {
      const watch = watchCpu(cluster.pid);
      await work().finally(() => watch.stop());
      cpu[name].push(watch.seconds());
    },
  });
  try {
    // Code is compiled, and processes are started, before rounds count.
    for (const job of jobs) await start(job);
    const times = await takeTurns(
      [
        contestant("at once", () => Promise.all(jobs.map(start))),
        contestant("one after the other", async () => {
          for (const job of jobs) await start(job);
        }),
      ],
      options,
    );
    const [once, turns] = [times.get("at once")!, times.get("one after the other")!];
    const [onceCpu, turnsCpu] = [median(cpu["at once"]), median(cpu["one after the other"])];
    const named = "two jobs at once";
    return [
      {
        name: `${named}, to one after the other`,
        value: once / turns,
        unit: "×",
        atMost: slowdownMax,
      },
      {
        name: `${named}: CPU of the cluster, to one after the other`,
        value: onceCpu / turnsCpu,
        unit: "×",
        atMost: slowdownMax,
      },
      { name: named, value: once, unit: "ms" },
      { name: "one after the other", value: turns, unit: "ms" },
      { name: `${named}: CPU of the cluster`, value: onceCpu, unit: "s" },
      { name: "one after the other: CPU of the cluster", value: turnsCpu, unit: "s" },
    ];
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

/** A word count whose code no other job has. */
function jobFile(directory: string, name: string): string {
  const folder = join(directory, name);
  mkdirSync(folder);
  const path = join(folder, "job.ts");
  const sdk = JSON.stringify(join(root, "src", "index.ts"));
  const source = `import { mapReduce, text } from ${sdk};
export default mapReduce({
  name: "words ${name}",
  input: text.lines(),
  map(line, emit) {
    for (const word of line.split(" ")) if (word !== "") emit("${name}" + word, 1);
  },
  combine: (one, other) => one + other,
});
`;
  writeFileSync(path, source);
  return path;
}

function runJob({ dataDir }: Cluster, args: readonly string[]): Promise<void> {
  return command(process.execPath, [cli, ...args, "--data", dataDir, "--json"]);
}
