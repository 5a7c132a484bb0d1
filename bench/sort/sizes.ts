/** Does a sort of more data take more memory? Sorts of 1 and 4 GiB, or of the sizes of `--gib`, on
 *  two workers with 128 MiB each, every size on a cluster of its own; the most memory of
 *  coordinator, workers and task processes. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cli, startCluster } from "../../test/fixtures/cluster.ts";
import type { BenchOptions, Case, Figure } from "../case.ts";
import { peakOf, treeOf } from "../memory.ts";
import { type Roles, rolesFigures, watchRoles } from "../roles.ts";
import { timed, watchCpu } from "./cpu.ts";
import { recordBytes, recordsFile } from "./records.ts";
import { isSortOf } from "./sorted.ts";

const sizesGib = [1, 4];
const quickGib = [1 / 32, 1 / 8];
const memory = "128M";
/** The claim: the largest takes at most so many times the memory, and the CPU a GiB, of the
 *  smallest. */
const flatMax = 1.15;
/** The claim: the command, over what Node takes by itself. */
const clientMaxMb = 150;
/** A core keeps some bytes for each task. */
const coordinatorMax = 1.5;

export const sortSizes: Case = {
  name: "sort-sizes",
  question: `Memory of a sort of 1 and 4 GiB, or of --gib 1,4,12, ${memory} a worker: is it flat?`,
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizes = options.gib ?? (options.quick ? quickGib : sizesGib);
  const measured: Measured[] = [];
  const nodeBytes = bareNodeBytes();
  const figures: Figure[] = [];
  for (const gib of sizes) {
    const one = await measure(gib, options);
    const { clientBytes, cpuAGib, isSorted, roles, seconds } = one;
    const named = `${gibText(gib)} sorted`;
    options.say(`${named}: ${seconds.toFixed(1)} s, ${(roles.all / 1e6).toFixed(0)} MB in all`);
    measured.push(one);
    figures.push({ name: named, value: seconds, unit: "s" }, ...rolesFigures(named, roles));
    figures.push({ name: `${named}: CPU a GiB`, value: cpuAGib, unit: "s" });
    const value = (clientBytes - nodeBytes) / 1e6;
    const client = `${named}: most memory of the command, over Node's`;
    figures.push({ name: client, value, unit: "MB", atMost: clientMaxMb });
    figures.push({
      name: `${named}: the result is in order and whole`,
      value: isSorted,
      unit: "",
      atLeast: 1,
    });
  }
  return [...figures, ...flatness(sizes, measured)].map((figure) => ({ ...figure, rounds: 1 }));
}

type Measured = {
  readonly roles: Roles;
  readonly seconds: number;
  readonly isSorted: number;
  /** Of all processes of the cluster and the command. */
  readonly cpuAGib: number;
  /** The most that the command had resident. */
  readonly clientBytes: number;
};

function gibText(gib: number): string {
  return gib >= 1 ? `${gib} GiB` : `${Math.round(gib * 1024)} MiB`;
}

async function measure(gib: number, { say }: BenchOptions): Promise<Measured> {
  say(`making ${gibText(gib)} of records, unless they are there`);
  const input = recordsFile(Math.floor((gib * 2 ** 30) / recordBytes) * recordBytes);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2, ["--memory", memory]);
  try {
    const out = join(directory, "out");
    const job = join(import.meta.dirname, "../jobs", "sort-records.ts");
    const target = ["--data", cluster.dataDir, "--json"];
    const watch = watchRoles(cluster.pid);
    const cpu = watchCpu(cluster.pid);
    const startedMs = performance.now();
    let client = { stop: () => 0 };
    const ran = await timed(
      [process.execPath, cli, "run", job, input, "-o", out, ...target],
      (pid) => {
        client = watchPeak(pid);
      },
    ).finally(() => client.stop());
    const seconds = (performance.now() - startedMs) / 1_000;
    const roles = watch.stop();
    const cpuAGib = (cpu.seconds() + ran.cpuSeconds) / gib;
    cpu.stop();
    const isSorted = (await isSortOf(out, input)) ? 1 : 0;
    return { roles, seconds, isSorted, cpuAGib, clientBytes: client.stop() };
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

/** Resident bytes of a Node that has loaded nothing. */
function bareNodeBytes(): number {
  const print = "process.stdout.write(String(process.resourceUsage().maxRSS))";
  return 1024 * Number(execFileSync(process.execPath, ["-e", print], { encoding: "utf8" }));
}

/** The most memory of one process below `pid`. */
function watchPeak(pid: number): { stop(): number } {
  let peakBytes = 0;
  const timer = setInterval(() => {
    for (const one of treeOf(pid)) peakBytes = Math.max(peakBytes, peakOf(one));
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

/** The largest size against the smallest. */
function flatness(sizes: readonly number[], measured: readonly Measured[]): Figure[] {
  const [smallest, largest] = [measured[0], measured.at(-1)];
  if (smallest === undefined || largest === undefined || measured.length < 2) return [];
  const [first, last] = [smallest.roles, largest.roles];
  const cpu = largest.cpuAGib / smallest.cpuAGib;
  const span = `${gibText(sizes.at(-1)!)} to ${gibText(sizes[0]!)}`;
  const named = `${span}: memory of`;
  const ratio = (role: keyof Roles, atMost: number) => {
    return { value: last[role] / first[role], unit: "×", atMost };
  };
  return [
    { name: `${named} the coordinator`, ...ratio("coordinator", coordinatorMax) },
    { name: `${named} a worker`, ...ratio("worker", flatMax) },
    { name: `${named} a task process`, ...ratio("task", flatMax) },
    { name: `${named} all processes together`, ...ratio("all", flatMax) },
    { name: `${span}: CPU a GiB`, value: cpu, unit: "×", atMost: flatMax },
  ];
}
