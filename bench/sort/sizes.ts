/** Does a sort of more data take more memory? Sorts of 1 and 4 GiB, or of the sizes of `--gib`, on
 *  two workers with 128 MiB each, every size on a cluster of its own; the most memory of
 *  coordinator, workers and task processes. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli, startCluster } from "../../scripts/cluster.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { command } from "../command.ts";
import { type Roles, rolesFigures, watchRoles } from "../roles.ts";
import { recordBytes, recordsFile } from "./records.ts";
import { isSortOf } from "./sorted.ts";

const sizesGib = [1, 4];
const quickGib = [1 / 32, 1 / 8];
const memory = "128M";
/** The claim: the largest takes at most so many times the memory of the smallest. */
const flatMax = 1.25;
/** A core keeps some bytes for each task. */
const coordinatorMax = 1.5;

export const sortSizes: Case = {
  name: "sort-sizes",
  question: `Memory of a sort of 1 and 4 GiB, or of --gib 1,4,12, ${memory} a worker: is it flat?`,
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizes = options.gib ?? (options.quick ? quickGib : sizesGib);
  const measured: Roles[] = [];
  const figures: Figure[] = [];
  for (const gib of sizes) {
    const { roles, seconds, isSorted } = await measure(gib, options);
    const named = `${gibText(gib)} sorted`;
    options.say(`${named}: ${seconds.toFixed(1)} s, ${(roles.all / 1e6).toFixed(0)} MB in all`);
    measured.push(roles);
    figures.push({ name: named, value: seconds, unit: "s" }, ...rolesFigures(named, roles), {
      name: `${named}: the result is in order and whole`,
      value: isSorted,
      unit: "",
      atLeast: 1,
    });
  }
  return [...figures, ...flatness(sizes, measured)].map((figure) => ({ ...figure, rounds: 1 }));
}

function gibText(gib: number): string {
  return gib >= 1 ? `${gib} GiB` : `${Math.round(gib * 1024)} MiB`;
}

async function measure(gib: number, { say }: BenchOptions) {
  say(`making ${gibText(gib)} of records, unless they are there`);
  const input = recordsFile(Math.floor((gib * 2 ** 30) / recordBytes) * recordBytes);
  const directory = mkdtempSync(join(tmpdir(), "tequio-bench-"));
  const cluster = await startCluster(2, ["--memory", memory]);
  try {
    const out = join(directory, "out");
    const job = join(import.meta.dirname, "../jobs", "sort-records.ts");
    const target = ["--data", cluster.dataDir, "--json"];
    const watch = watchRoles(cluster.pid);
    const startedMs = performance.now();
    await command(process.execPath, [cli, "run", job, input, "-o", out, ...target]);
    const seconds = (performance.now() - startedMs) / 1_000;
    const roles = watch.stop();
    return { roles, seconds, isSorted: (await isSortOf(out, input)) ? 1 : 0 };
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The largest size against the smallest. */
function flatness(sizes: readonly number[], measured: readonly Roles[]): Figure[] {
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined || measured.length < 2) return [];
  const named = `${gibText(sizes.at(-1)!)} to ${gibText(sizes[0]!)}: memory of`;
  const ratio = (role: keyof Roles, atMost: number) => {
    return { value: last[role] / first[role], unit: "×", atMost };
  };
  return [
    { name: `${named} the coordinator`, ...ratio("coordinator", coordinatorMax) },
    { name: `${named} a worker`, ...ratio("worker", flatMax) },
    { name: `${named} a task process`, ...ratio("task", flatMax) },
    { name: `${named} all processes together`, ...ratio("all", flatMax) },
  ];
}
