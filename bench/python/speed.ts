/** How fast are jobs in Python beside what one writes in Python without a cluster? */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/sdk/client.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { type Cluster, cli, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Contestant, type Figure, takeTurns } from "../case.ts";
import { command } from "../command.ts";
import { oursCounts, sameCounts } from "../counts.ts";
import { noOps } from "../no-ops.ts";
import { zipfFile } from "../zipf.ts";

const here = import.meta.dirname;
const fullBytes = 256 << 20;
const quickBytes = 16 << 20;
const noOpCount = 10_000;
const warmUps = 3;

export const python: Case = {
  name: "python",
  question: "Jobs in Python on two workers against plain Python, multiprocessing and Dask",
  run,
};

/** By the module that each needs. */
const rivals = [
  { name: "plain Python", script: "plain.py", module: "json" },
  { name: "multiprocessing.Pool", script: "pool.py", module: "multiprocessing" },
  { name: "dask.bag", script: "bag.py", module: "dask.bag" },
] as const;

async function run(options: BenchOptions): Promise<Figure[]> {
  const input = zipfFile(options.quick ? quickBytes : fullBytes);
  const folder = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  try {
    return [...(await words(input, { folder, cluster }, options)), await tasksASecond(cluster)];
  } finally {
    await cluster.stop();
    removeFolder(folder);
  }
}

type Place = { readonly folder: string; readonly cluster: Cluster };

async function words(
  input: string,
  { cluster, folder }: Place,
  options: BenchOptions,
): Promise<Figure[]> {
  const ours = join(folder, "ours");
  const job = join(here, "words.py");
  const contestants: Contestant[] = [
    {
      name: "Tequio",
      run: () => {
        rmSync(ours, { recursive: true, force: true });
        return command(process.execPath, [
          ...[cli, "run", job, input, "-o", ours, "--data", cluster.dataDir, "--json"],
        ]);
      },
    },
  ];
  const present = rivals.filter(({ module, name }) => {
    const found = spawnSync("python3", ["-c", `import ${module}`], { stdio: "ignore" });
    if (found.status !== 0) options.say(`skipped: ${name}: pip install "dask[bag]"`);
    return found.status === 0;
  });
  for (const { name, script } of present) {
    mkdirSync(join(folder, script));
    const args = [join(here, script), input, join(folder, script, "part")];
    contestants.push({ name, run: () => command("python3", args), isRival: true });
  }
  const times = await takeTurns(contestants, options);
  const expected = oursCounts(join(folder, "plain.py"));
  const isEqual = sameCounts(oursCounts(ours), expected);
  return [
    ...present.map(({ name }) => ({
      name: `Python word count: as fast as ${name}`,
      value: times.get(name)! / times.get("Tequio")!,
      unit: "×",
      atLeast: name === "plain Python" ? 1.7 : 1,
      ...times.roundsOf(name),
    })),
    { name: "Python word count: result equal", value: isEqual ? 1 : 0, unit: "", atLeast: 1 },
  ];
}

async function tasksASecond(cluster: Cluster): Promise<Figure> {
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  try {
    const runMany = await noOps(client, "no_op.py");
    for (let time = 0; time < warmUps; time++) await runMany(noOpCount);
    const ms = await runMany(noOpCount);
    const value = (noOpCount / ms) * 1000;
    return { name: "no-op tasks in Python", value, unit: "tasks/s", atLeast: 15_000 };
  } finally {
    client.close();
  }
}
