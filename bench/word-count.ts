/** How much faster is a word count on two workers than the script that one would write without
 *  them? */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli, root, startCluster } from "../scripts/cluster.ts";
import { type BenchOptions, type Case, type Contestant, type Figure, takeTurns } from "./case.ts";
import { watchMemory } from "./memory.ts";
import { presentRivals } from "./rivals/word-count.ts";
import { zipfFile } from "./zipf.ts";

const fullBytes = 1 << 30;
const quickBytes = 64 << 20;

export const wordCount: Case = {
  name: "word-count",
  question: "Word count of Zipf text: two workers against plain programs on the same machine",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = options.quick ? quickBytes : fullBytes;
  options.say(`making ${sizeBytes >> 20} MiB of text, unless it is there`);
  const input = zipfFile(sizeBytes);
  const directory = mkdtempSync(join(tmpdir(), "tequio-bench-"));
  const cluster = await startCluster(2);
  let peakBytes = 0;
  const ours = { lines: join(directory, "lines"), words: join(directory, "words") };
  const onCluster = async (job: string, out: string) => {
    rmSync(out, { recursive: true, force: true });
    const memory = watchMemory(cluster.pid);
    const target = ["--data", cluster.dataDir, "--json"];
    await command(process.execPath, [cli, "run", job, input, "-o", out, ...target]);
    peakBytes = Math.max(peakBytes, memory.stop());
  };
  const linesJob = join(root, "examples", "word-count", "job.ts");
  const wordsJob = join(import.meta.dirname, "jobs", "words.ts");
  const rivals = presentRivals(input, directory, options);
  const contestants: Contestant[] = [
    { name: "two workers", run: () => onCluster(linesJob, ours.lines) },
    { name: "two workers, words()", run: () => onCluster(wordsJob, ours.words) },
    ...rivals,
  ];
  try {
    const times = await takeTurns(contestants, options);
    options.say("comparing the results word by word");
    const expected = plainCounts(rivals[0]!.output);
    const isEqual = [ours.lines, ours.words].every((out) => sameCounts(oursCounts(out), expected));
    return figures({ times, sizeBytes, peakBytes, isEqual });
  } finally {
    await cluster.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

type Measured = {
  readonly times: ReadonlyMap<string, number>;
  readonly sizeBytes: number;
  readonly peakBytes: number;
  readonly isEqual: boolean;
};

function figures({ times, sizeBytes, peakBytes, isEqual }: Measured): Figure[] {
  const oursMs = times.get("two workers")!;
  const wordsMs = times.get("two workers, words()")!;
  const plainMs = times.get("plain script")!;
  const rivals = [...times].filter(([name]) => !name.startsWith("two workers"));
  const speed = (ms: number) => sizeBytes / 1e3 / ms;
  const bar = (label: string, isOurs: boolean) => {
    return { bar: { title: "Word count, MB/s (more is better)", label, isOurs } };
  };
  const ratio = { name: "as fast as the plain script", value: plainMs / oursMs, unit: "×" };
  return [
    { ...ratio, atLeast: 1.6 },
    { ...ratio, name: "words(): as fast as the plain script", value: plainMs / wordsMs },
    { name: "throughput", value: speed(oursMs), unit: "MB/s", ...bar("Tequio, lines", true) },
    {
      name: "words(): throughput",
      value: speed(wordsMs),
      unit: "MB/s",
      ...bar("Tequio, words()", true),
    },
    ...rivals.map(([name, ms]) => {
      return { name: `throughput: ${name}`, value: speed(ms), unit: "MB/s", ...bar(name, false) };
    }),
    {
      name: "resident memory of coordinator and workers",
      value: peakBytes / 1e9,
      unit: "GB",
      atMost: 1.5,
    },
    { name: "result equal to the plain script's", value: isEqual ? 1 : 0, unit: "", atLeast: 1 },
  ];
}

async function command(file: string, args: readonly string[]): Promise<void> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  const exited = once(child, "exit");
  child.stdout.resume();
  const [code] = await exited;
  if (code !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${errors.join("")}`);
}

function oursCounts(directory: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const file of readdirSync(directory)) {
    for (const line of readFileSync(join(directory, file), "utf8").split("\n")) {
      if (line === "") continue;
      const { key, value } = JSON.parse(line) as { key: string; value: number };
      if (counts.has(key)) throw new Error(`the word ${key} is in two partitions`);
      counts.set(key, value);
    }
  }
  return counts;
}

function plainCounts(file: string): Map<string, number> {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [word, count] = line.split("\t");
      return [word!, Number(count)];
    }),
  );
}

function sameCounts(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([word, count]) => b.get(word) === count);
}
