/** How much memory does a word count take, by role? One GiB of Zipf text on two workers, three ways
 *  of writing the job, each on a cluster of its own. */
import { join } from "node:path";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { cli, startCluster } from "../test/fixtures/cluster.ts";
import type { BenchOptions, Case, Figure } from "./case.ts";
import { command } from "./command.ts";
import { type Roles, rolesFigures, watchRoles } from "./roles.ts";
import { jobs } from "./word-count.ts";
import { zipfFile } from "./zipf.ts";

const fullBytes = 1 << 30;
const quickBytes = 64 << 20;

export const memory: Case = {
  name: "memory",
  question: "The most memory of coordinator, workers and tasks in a word count of 1 GiB",
  async run(options) {
    const sizeBytes = options.quick ? quickBytes : fullBytes;
    options.say(`making ${sizeBytes >> 20} MiB of text, unless it is there`);
    const input = zipfFile(sizeBytes);
    const figures: Figure[] = [];
    for (const { file, name } of jobs) {
      const roles = await mostOf(file, input, options);
      const texts = [roles.coordinator, roles.worker, roles.task, roles.all].map((bytes) => {
        return `${(bytes / 1e6).toFixed(0)} MB`;
      });
      options.say(`${name}: coordinator, a worker, a task process, all: ${texts.join(", ")}`);
      figures.push(...rolesFigures(name, roles));
    }
    return figures;
  },
};

/** The most of all rounds, on one cluster. */
async function mostOf(job: string, input: string, { rounds }: BenchOptions): Promise<Roles> {
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  const watch = watchRoles(cluster.pid);
  try {
    const target = ["--data", cluster.dataDir, "--json"];
    for (let round = 0; round < rounds; round++) {
      const out = join(directory, `out-${round}`);
      await command(process.execPath, [cli, "run", job, input, "-o", out, ...target]);
    }
    return watch.stop();
  } finally {
    watch.stop();
    await cluster.stop();
    removeFolder(directory);
  }
}
