/** `npm run demo`: the word count of twelve books on a coordinator and two worker processes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { type Cluster, cli, root, startCluster } from "../test/fixtures/cluster.ts";
import { corpusDirectory } from "./corpus.ts";
import { printProgress } from "./demo-progress.ts";

const workers = 2;
const job = join("examples", "word-count", "job.ts");
const out = join(root, "out", "demo");
const topCount = 10;

function say(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** The public command line, with its output on ours. Resolves with its exit code. */
async function tequio(args: readonly string[], stopping: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [cli, ...args], { cwd: root, stdio: "inherit" });
  const onAbort = () => child.kill("SIGTERM");
  stopping.addEventListener("abort", onAbort);
  const [code] = await once(child, "exit");
  stopping.removeEventListener("abort", onAbort);
  return code ?? 1;
}

type Row = { readonly key: string; readonly value: number };

/** The most frequent words of all result files. */
function topWords(): { readonly top: readonly Row[]; readonly wordCount: number } {
  const parts = readdirSync(out).filter((file) => file.startsWith("part-"));
  const rows = parts.flatMap((file) =>
    readFileSync(join(out, file), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Row),
  );
  const top = rows.toSorted((a, b) => b.value - a.value).slice(0, topCount);
  return { top, wordCount: rows.length };
}

function inputFiles(): string[] {
  const directory = corpusDirectory();
  return readdirSync(directory)
    .toSorted()
    .map((file) => relative(root, join(directory, file)));
}

function megabytes(files: readonly string[]): string {
  const sizeBytes = files.reduce((sum, file) => sum + statSync(join(root, file)).size, 0);
  return (sizeBytes / 1e6).toFixed(1);
}

async function demo(stopping: AbortSignal): Promise<number> {
  const files = inputFiles();
  say(`Counting the words of ${files.length} books, ${megabytes(files)} MB, in seven languages.`);
  say(`Starting a coordinator and ${workers} worker processes on this machine …`);
  let cluster: Cluster | null = null;
  try {
    cluster = await startCluster(workers);
    stopping.throwIfAborted();
    say(`The coordinator listens on ${cluster.url}. The job is ${job}.\n`);
    rmSync(out, { recursive: true, force: true });
    const target = ["--data", cluster.dataDir];
    // Small splits, so that there is something to watch.
    const sizes = ["--split-bytes", "1M", "--reducers", "4"];
    const run = tequio(["run", job, ...files, "-o", out, ...sizes, ...target], stopping);
    const code = await (process.stderr.isTTY ? run : withProgress(run, cluster));
    if (code !== 0) return code;
    showResult();
    return 0;
  } finally {
    await cluster?.stop();
  }
}

/** The job's exit code, with its progress printed beside. */
async function withProgress(run: Promise<number>, cluster: Cluster): Promise<number> {
  const ended = new AbortController();
  // Progress is a comfort: a job that cannot be watched still runs.
  const printed = printProgress(cluster, ended.signal).catch(() => {});
  try {
    return await run;
  } finally {
    ended.abort();
    await printed;
  }
}

function showResult(): void {
  const { top, wordCount } = topWords();
  const width = String(top[0]?.value ?? 0).length;
  say(`\nThe ${topCount} most frequent of ${wordCount} different words:`);
  for (const { key, value } of top) say(`  ${String(value).padStart(width)}  ${key}`);
  say(`\nThe whole result lies in ${relative(root, out)}/, one file for each of 4 reduce tasks.`);
  say("\nNext, your own files, without starting anything first:");
  say(`  node bin/tequio.js run --local ${job} README.md -o -`);
}

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => stopping.abort(new Error(`stopped by ${signal}`)));
}
try {
  process.exitCode = await demo(stopping.signal);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
if (stopping.signal.aborted) process.exitCode = 130;
