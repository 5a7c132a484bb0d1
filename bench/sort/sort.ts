/** Is a sort through the whole shuffle of two workers as fast as the sort of the system, with the
 *  same memory and the same cores? */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cli, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median, takeTurns } from "../case.ts";
import { watchMemory } from "../memory.ts";
import { cpuSeconds, timed } from "./cpu.ts";
import { recordsFile } from "./records.ts";

const fullBytes = 1 << 30;
const quickBytes = 64 << 20;
const memory = "128M";

export const sort: Case = {
  name: "sort",
  question: `Sort of 100-byte records, ${memory} a worker: two workers against GNU sort`,
  run,
};

/** What each round of a contestant took. */
type Took = { readonly cpu: number[]; readonly peak: number[] };

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = options.quick ? quickBytes : fullBytes;
  options.say(`making ${sizeBytes >> 20} MiB of records, unless they are there`);
  const input = recordsFile(sizeBytes);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2, ["--memory", memory]);
  const ours: Took & { readonly job: number[] } = { cpu: [], peak: [], job: [] };
  const theirs: Took = { cpu: [], peak: [] };
  const out = join(directory, "ours");
  const sorted = join(directory, "gnu.txt");
  const onCluster = async () => {
    rmSync(out, { recursive: true, force: true });
    const job = join(import.meta.dirname, "../jobs", "sort-records.ts");
    const target = ["--data", cluster.dataDir, "--json"];
    const watch = watchMemory(cluster.pid);
    const before = cpuSeconds(cluster.pid);
    const ran = await timed([process.execPath, cli, "run", job, input, "-o", out, ...target]);
    ours.cpu.push(cpuSeconds(cluster.pid) - before + ran.cpuSeconds);
    ours.peak.push(watch.stop());
    ours.job.push((JSON.parse(ran.output) as { durationMs: number }).durationMs);
  };
  const gnu = async () => {
    rmSync(sorted, { force: true });
    let watch = { stop: () => 0 };
    const memoryOf = (pid: number) => {
      watch = watchMemory(pid);
    };
    const ran = await timed(["sort", "--parallel=2", "-S", memory, input, "-o", sorted], memoryOf);
    theirs.cpu.push(ran.cpuSeconds);
    theirs.peak.push(watch.stop());
  };
  try {
    const contestants = [
      { name: "two workers", run: onCluster },
      { name: "GNU sort", run: gnu },
    ];
    const times = await takeTurns(contestants, options);
    options.say("comparing the results byte for byte");
    const parts = readdirSync(out)
      .sort()
      .map((name) => join(out, name));
    const compare = `cat "$@" | cmp - ${sorted}`;
    const isEqual = await timed(["sh", "-c", compare, "sh", ...parts]).then(
      () => true,
      () => false,
    );
    return figures({ times, sizeBytes, ours, theirs, isEqual });
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

type Measured = {
  readonly times: ReadonlyMap<string, number>;
  readonly sizeBytes: number;
  readonly ours: Took & { readonly job: readonly number[] };
  readonly theirs: Took;
  readonly isEqual: boolean;
};

function figures({ times, sizeBytes, ours, theirs, isEqual }: Measured): Figure[] {
  const oursMs = times.get("two workers")!;
  const gnuMs = times.get("GNU sort")!;
  const jobMs = median(ours.job);
  const speed = (ms: number) => sizeBytes / 1e3 / ms;
  const bar = (label: string, isOurs: boolean) => {
    return { bar: { title: "Sort of 100-byte records, MB/s (more is better)", label, isOurs } };
  };
  const perGib = 2 ** 30 / sizeBytes;
  return [
    { name: "as fast as GNU sort", value: gnuMs / oursMs, unit: "×", atLeast: 1 },
    { name: "without the copy to a folder", value: gnuMs / jobMs, unit: "×" },
    { name: "throughput", value: speed(oursMs), unit: "MB/s", ...bar("Tequio, run -o", true) },
    {
      name: "throughput of the job",
      value: speed(jobMs),
      unit: "MB/s",
      ...bar("Tequio, job", true),
    },
    { name: "throughput: GNU sort", value: speed(gnuMs), unit: "MB/s", ...bar("GNU sort", false) },
    { name: "CPU a GiB", value: median(ours.cpu) * perGib, unit: "s" },
    { name: "CPU a GiB: GNU sort", value: median(theirs.cpu) * perGib, unit: "s" },
    { name: "resident memory of all processes", value: Math.max(...ours.peak) / 1e9, unit: "GB" },
    { name: "resident memory: GNU sort", value: Math.max(...theirs.peak) / 1e9, unit: "GB" },
    { name: "result equal to GNU sort's", value: isEqual ? 1 : 0, unit: "", atLeast: 1 },
  ];
}
