/** How fast is the data plane alone? Word count through input, map, run and merge in one process,
 *  against the plain script. Counts CPU time, which other work on the machine disturbs least.
 *
 *  `node bench/kernels.ts [MiB] [lines] [words] [operator] [plain]`; each runs in a process of its
 *  own. */
import { spawnSync } from "node:child_process";
import { openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { text } from "../src/sdk/format.ts";
import { type Emit, type Job, mapReduce } from "../src/sdk/job.ts";
import { splitDefaultBytes } from "../src/sdk/plan/of-found.ts";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { decodeManifest } from "../src/wire/block/manifest.ts";
import type { Plan } from "../src/wire/block/plan.ts";
import type { ByteSource } from "../src/worker/kernels/byte-source.ts";
import type { Segment } from "../src/worker/kernels/run-file.ts";
import { operatorKernel } from "../src/worker/operators/kernel.ts";
import type { OperatorKernel } from "../src/worker/operators/operator.ts";
import { runMap } from "../src/worker/task/map-task.ts";
import { runReduce } from "../src/worker/task/reduce-task.ts";
import { zipfFile } from "./zipf.ts";

const mebibyte = 1024 * 1024;
const splitBytes = splitDefaultBytes;
const pipeBytes = 64 * 1024;
const separators = /[^\p{L}\p{N}']+/u;

const jobs: Readonly<Record<string, Job>> = {
  /** The user's own expression. */
  lines: mapReduce({
    map(line, emit: Emit<string, number>) {
      for (const word of line.toLowerCase().split(separators)) {
        if (word !== "") emit(word, 1);
      }
    },
    combine: (a, b) => a + b,
  }),
  words: mapReduce({
    input: text.words({ lowercase: true }),
    map(word, emit: Emit<string, number>) {
      emit(word, 1);
    },
    combine: (a, b) => a + b,
  }),
  operator: text.words({ lowercase: true }).count(),
};

/** One split, read as much at a time as a pipe holds. */
function fileSource(fd: number, start: number, end: number): ByteSource {
  let started = false;
  let at = start;
  return {
    nextPiece() {
      if (started) return null;
      started = true;
      return { file: 0, offset: start, head: null };
    },
    read(into, offset) {
      const room = Math.min(into.length - offset, pipeBytes, end - at);
      const count = readSync(fd, into, offset, room, at);
      at += count;
      return count;
    },
  };
}

function planOf(path: string, sizeBytes: number): Plan {
  const at = { kind: "path", host: "", path, mtimeMs: 0 } as const;
  const splits = Math.ceil(sizeBytes / splitBytes);
  return {
    version: 1,
    files: [{ name: "text", compression: "none", sizeBytes, at }],
    splits: Array.from({ length: splits }, () => ({ input: "default", pieces: [] })),
    items: null,
    params: {},
    reducers: Math.ceil(sizeBytes / (64 * mebibyte)),
    spillBytes: 64 * mebibyte,
  };
}

/** The job as a task process has it. */
function kernelOf(job: Job): OperatorKernel {
  if (job.kind === "operator") return operatorKernel(job.operator);
  if (job.kind === "map-reduce") return { job };
  throw new Error("a list of tasks counts no words");
}

function wordCount(given: Job, path: string, folder: string): void {
  const { job, ...kernel } = kernelOf(given);
  const sizeBytes = statSync(path).size;
  const plan = planOf(path, sizeBytes);
  const fd = openSync(path, "r");
  const began = process.cpuUsage();
  const outputs = plan.splits.map((_, task) => {
    const end = Math.min(sizeBytes, (task + 1) * splitBytes);
    const source = fileSource(fd, task * splitBytes, end);
    const out = join(folder, `map-${task}`);
    const mapping = { job, plan, params: {}, task, source, out };
    kernel.map?.(mapping) ?? runMap(mapping);
    return out;
  });
  report("  map and spill", sizeBytes, process.cpuUsage(began));
  const mapped = process.cpuUsage();
  let records = 0;
  for (let partition = 0; partition < plan.reducers; partition++) {
    const segments = outputs.map((out): Segment => {
      const manifest = decodeManifest(readFileSync(`${out}.manifest`));
      const { offset, sizeBytes: length } = manifest.at(partition)!;
      return { path: `${out}.run`, offset, sizeBytes: length };
    });
    const out = join(folder, `reduce-${partition}`);
    const reducing = { job, params: {}, task: partition, segments, out };
    records += (kernel.reduce?.(reducing) ?? runReduce(reducing)).records;
  }
  report("  merge and reduce", sizeBytes, process.cpuUsage(mapped));
  report("  together", sizeBytes, process.cpuUsage(began));
  console.log(`  ${records} different words`);
}

function report(name: string, sizeBytes: number, { user, system }: NodeJS.CpuUsage): void {
  const seconds = (user + system) / 1e6;
  const perGibibyte = (seconds * 1024 * mebibyte) / sizeBytes;
  const speed = sizeBytes / 1e6 / seconds;
  console.log(
    `${name.padEnd(20)} ${perGibibyte.toFixed(1).padStart(5)} CPU s/GiB ` +
      `${speed.toFixed(0).padStart(5)} MB per CPU s`,
  );
}

/** The rival, in a process of its own that reports the CPU time that it took when it ends. */
function plain(path: string, folder: string): void {
  const rival = join(import.meta.dirname, "rivals", "word-count-plain.mjs");
  const hook =
    'import { writeSync } from "node:fs";' +
    'process.on("exit", () => writeSync(2, JSON.stringify(process.cpuUsage())));';
  const args = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`];
  args.push(rival, path, join(folder, "plain.tsv"));
  const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  report("  together", statSync(path).size, JSON.parse(stderr) as NodeJS.CpuUsage);
}

const [size = "256", ...asked] = process.argv.slice(2);
const path = zipfFile(Number(size) * mebibyte);
const wanted = asked.length === 0 ? ["lines", "words", "operator", "plain"] : asked;
if (wanted.length > 1) {
  for (const name of wanted) {
    spawnSync(process.execPath, [import.meta.filename, size, name], { stdio: "inherit" });
  }
} else {
  const folder = newFolder("kernels-");
  const [name = ""] = wanted;
  console.log(name);
  try {
    if (name === "plain") plain(path, folder);
    else wordCount(jobs[name]!, path, folder);
  } finally {
    removeFolder(folder);
  }
}
