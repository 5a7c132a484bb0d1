/** What does it cost that an input is many small files? A word count of 20,000 files of 64 KiB, and
 *  of one file with the same bytes, on two workers: the whole of `tequio run`, and the CPU of the
 *  cluster and the command. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cli, root, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median, takeTurns } from "../case.ts";
import { oursCounts, sameCounts } from "../counts.ts";
import { timed, watchCpu } from "../sort/cpu.ts";
import { zipfFile } from "../zipf.ts";

const fileBytes = 64 * 1024;
const fullCount = 20_000;
const quickCount = 200;
const filesOfFolder = 1_000;
/** Different texts: the files repeat them. */
const textCount = 200;
/** The claim: many files take at most so many times as long as one. */
const slowdownMax = 2;
const job = join(root, "examples", "word-count", "job.ts");

export const smallFiles: Case = {
  name: "small-files",
  question: "Word count of 20,000 files of 64 KiB, and of one file with the same bytes",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const count = options.quick ? quickCount : fullCount;
  options.say(`making ${count.toLocaleString("en")} files, unless they are there`);
  const inputs = made(count);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  const names = ["many", "one"] as const;
  const cpu = { many: [] as number[], one: [] as number[] };
  const contestants = names.map((name) => ({
    name,
    async run() {
      const out = join(directory, name);
      rmSync(out, { recursive: true, force: true });
      const target = ["--data", cluster.dataDir, "--json"];
      const watch = watchCpu(cluster.pid);
      const ran = await timed([
        process.execPath,
        cli,
        "run",
        job,
        inputs[name],
        "-o",
        out,
        ...target,
      ]);
      watch.stop();
      cpu[name].push(watch.seconds() + ran.cpuSeconds);
    },
  }));
  try {
    const times = await takeTurns(contestants, options);
    const counts = names.map((name) => oursCounts(join(directory, name)));
    const perGib = 2 ** 30 / (count * fileBytes);
    const named = `${count.toLocaleString("en")} files of 64 KiB`;
    const seconds = (name: (typeof names)[number]) => (times.get(name)! / 1_000) * perGib;
    return [
      {
        name: `${named}: time, to that of one file`,
        value: seconds("many") / seconds("one"),
        unit: "×",
        atMost: slowdownMax,
      },
      { name: `${named}: a GiB`, value: seconds("many"), unit: "s" },
      { name: "one file: a GiB", value: seconds("one"), unit: "s" },
      { name: `${named}: CPU a GiB`, value: median(cpu.many) * perGib, unit: "s" },
      { name: "one file: CPU a GiB", value: median(cpu.one) * perGib, unit: "s" },
      {
        name: `${named}: result equal to that of one file`,
        value: sameCounts(counts[0]!, counts[1]!) ? 1 : 0,
        unit: "",
        atLeast: 1,
      },
    ];
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

/** A folder of files, and one file with all their bytes; made once. */
function made(count: number): { readonly many: string; readonly one: string } {
  const cache = join(import.meta.dirname, "../.cache");
  const many = join(cache, `small-${count}`);
  const one = join(cache, `small-${count}.txt`);
  if (existsSync(many) && existsSync(one)) return { many, one };
  const staging = `${many}.${process.pid}.tmp`;
  const texts = textsOf(readFileSync(zipfFile(textCount * fileBytes)));
  mkdirSync(cache, { recursive: true });
  const whole = openSync(`${staging}.txt`, "w");
  for (let index = 0; index < count; index++) {
    const folder = join(staging, String(Math.floor(index / filesOfFolder)).padStart(4, "0"));
    if (index % filesOfFolder === 0) mkdirSync(folder, { recursive: true });
    const text = texts[index % texts.length]!;
    writeFileSync(join(folder, `${String(index).padStart(6, "0")}.txt`), text);
    writeSync(whole, text);
  }
  closeSync(whole);
  rmSync(many, { recursive: true, force: true });
  renameSync(staging, many);
  renameSync(`${staging}.txt`, one);
  return { many, one };
}

/** Whole words, each text ended by a newline. */
function textsOf(bytes: Buffer): Buffer[] {
  return Array.from({ length: textCount }, (_, i) => {
    const text = Buffer.from(bytes.subarray(i * fileBytes, (i + 1) * fileBytes));
    text[text.length - 1] = 10;
    return text;
  });
}
