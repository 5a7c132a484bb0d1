/** How much faster is a word count on two workers than the script that one would write without
 *  them? */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { cli, root, startCluster } from "../test/fixtures/cluster.ts";
import {
  type BenchOptions,
  type Case,
  type Contestant,
  type Figure,
  type Times,
  takeTurns,
} from "./case.ts";
import { command } from "./command.ts";
import { oursCounts, plainCounts, sameCounts } from "./counts.ts";
import { watchMemory } from "./memory.ts";
import { presentRivals } from "./rivals/word-count.ts";
import { zipfFile } from "./zipf.ts";

const fullBytes = 1 << 30;
const quickBytes = 64 << 20;
const here = import.meta.dirname;

export const wordCount: Case = {
  name: "word-count",
  question: "Word count of Zipf text: two workers against plain programs on the same machine",
  run,
};

/** Ours, by the job that is run and what the plot calls it. */
export const jobs = [
  { name: "lines", file: join(root, "examples", "word-count", "job.ts"), label: "Tequio, lines" },
  { name: "words()", file: join(here, "jobs", "words.ts"), label: "Tequio, words()" },
  { name: "operator", file: join(here, "jobs", "words-count.ts"), label: "Tequio, operator" },
] as const;

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = options.quick ? quickBytes : fullBytes;
  options.say(`making ${sizeBytes >> 20} MiB of text, unless it is there`);
  const input = zipfFile(sizeBytes);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  let peakBytes = 0;
  const onCluster = async (job: string, out: string) => {
    rmSync(out, { recursive: true, force: true });
    const memory = watchMemory(cluster.pid);
    const target = ["--data", cluster.dataDir, "--json"];
    await command(process.execPath, [cli, "run", job, input, "-o", out, ...target]);
    peakBytes = Math.max(peakBytes, memory.stop());
  };
  const ours = jobs.map(({ name, file }) => {
    const output = join(directory, name);
    return { name, output, run: () => onCluster(file, output) };
  });
  const rivals = presentRivals(input, directory, options);
  const contestants: Contestant[] = [...ours, ...rivals];
  try {
    const times = await takeTurns(contestants, options);
    options.say("comparing the results word by word");
    const expected = plainCounts(rivals[0]!.output);
    const isEqual = ours.every(({ output }) => sameCounts(oursCounts(output), expected));
    return figures({ times, sizeBytes, peakBytes, isEqual });
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

type Measured = {
  readonly times: Times;
  readonly sizeBytes: number;
  readonly peakBytes: number;
  readonly isEqual: boolean;
};

function figures({ times, sizeBytes, peakBytes, isEqual }: Measured): Figure[] {
  const of = (name: string) => times.get(name)!;
  const plain = of("plain script");
  const rounds = times.roundsOf("plain script");
  const faster = (name: string) => `${name}: as fast as the plain script`;
  return [
    {
      name: "as fast as the plain script",
      value: plain / of("lines"),
      unit: "×",
      atLeast: 2,
      ...rounds,
    },
    { name: faster("words()"), value: plain / of("words()"), unit: "×", atLeast: 4, ...rounds },
    ...beside("operator: as fast as DuckDB", { times, rival: "DuckDB", atLeast: 1.7 }),
    ...beside("operator: as fast as C", { times, rival: "C, two threads", atLeast: 1 / 3.2 }),
    ...throughputs(times, sizeBytes),
    {
      name: "resident memory of coordinator and workers",
      value: peakBytes / 1e9,
      unit: "GB",
      atMost: 1.5,
    },
    { name: "result equal to the plain script's", value: isEqual ? 1 : 0, unit: "", atLeast: 1 },
  ];
}

type Beside = {
  readonly times: Times;
  readonly rival: string;
  readonly atLeast: number;
};

/** Nothing when the machine does not have the rival. */
function beside(name: string, { times, rival, atLeast }: Beside): Figure[] {
  const rivalMs = times.get(rival);
  if (rivalMs === undefined) return [];
  const value = rivalMs / times.get("operator")!;
  return [{ name, value, unit: "×", atLeast, ...times.roundsOf(rival) }];
}

function throughputs(times: Times, sizeBytes: number): Figure[] {
  const title = "Word count, MB/s (more is better)";
  return [...times].map(([name, ms]) => {
    const job = jobs.find((one) => one.name === name);
    const bar = { title, label: job?.label ?? name, isOurs: job !== undefined };
    const value = sizeBytes / 1e3 / ms;
    return { name: `throughput: ${name}`, value, unit: "MB/s", bar, ...times.roundsOf(name) };
  });
}
