/** Rivals that count words: the programs that people have at hand, a database, a cluster of Python,
 *  and C for what the machine can do. Each writes a word, a blank or tab, and its count a line. */
import { type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import type { BenchOptions, Contestant } from "../case.ts";
import { installRivals } from "./install.ts";
import { has, python } from "./tasks.ts";

type Rival = {
  readonly name: string;
  readonly install: string;
  missing(): string | null;
  /** Counts `input` into `output`. */
  readonly command: (input: string, output: string) => readonly string[];
  /** It writes to standard output. */
  readonly prints?: boolean;
  /** A round takes more than a minute. */
  readonly isSlow?: boolean;
};

const awk = "{ for (i = 1; i <= NF; i++) count[$i]++ } END { for (w in count) print w, count[w] }";
const add = "{ count[$1] += $2 } END { for (w in count) print w, count[w] }";
const here = (file: string) => join(import.meta.dirname, file);
const compiled = here("../.cache/word-count");
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

export const wordCountRivals: readonly Rival[] = [
  {
    name: "plain script",
    install: "",
    missing: () => null,
    command: (input, output) => [process.execPath, here("word-count-plain.mjs"), input, output],
  },
  {
    name: "mawk",
    install: "apt install mawk",
    missing: () => (has("mawk", "-W", "version") ? null : "it is not installed"),
    command: (input) => ["mawk", awk, input],
    prints: true,
  },
  {
    name: "GNU parallel + mawk",
    install: "apt install parallel mawk",
    missing: () => (has("parallel", "--version") ? null : "it is not installed"),
    command: (input) => [
      "sh",
      "-c",
      `parallel --will-cite -j2 --pipe-part --block 32M -a ${quoted(input)} ` +
        `mawk ${quoted(quoted(awk))} | mawk ${quoted(add)}`,
    ],
    prints: true,
  },
  {
    name: "tr | sort | uniq -c",
    install: "apt install coreutils",
    missing: () => (has("sort", "--version") ? null : "it is not installed"),
    command: (input) => [
      "sh",
      "-c",
      `tr -s ' ' '\\n' < ${quoted(input)} | LC_ALL=C sort --parallel=2 | uniq -c | ` +
        "mawk '{ print $2, $1 }'",
    ],
    prints: true,
    isSlow: true,
  },
  {
    name: "DuckDB",
    install: "npm ci in bench/rivals",
    missing: () => installRivals(() => {}),
    command: (input, output) => [process.execPath, here("word-count-duckdb.mjs"), input, output],
  },
  {
    name: "Dask bag",
    install: "apt install python3-dask",
    missing: () => (has(python, "-c", "import dask.bag") ? null : "it is not installed"),
    command: (input, output) => [python, here("word-count-dask.py"), input, output],
    isSlow: true,
  },
  {
    name: "C, two threads",
    install: "apt install gcc",
    missing: () => compile(),
    command: (input) => [compiled, input],
    prints: true,
  },
];

function compile(): string | null {
  if (!has("gcc", "--version")) return "gcc is not installed";
  mkdirSync(dirname(compiled), { recursive: true });
  const args = ["-O3", "-march=native", "-pthread", here("word-count.c"), "-o", compiled];
  const { status, stderr } = spawnSync("gcc", args, { encoding: "utf8" });
  return status === 0 ? null : `gcc failed: ${stderr}`;
}

export type RivalRun = Contestant & { readonly output: string };

/** Those that this machine has; the others are named with how to get them. Slow ones have no part
 *  in a quick measurement. */
export function presentRivals(
  input: string,
  directory: string,
  { quick, say }: BenchOptions,
): RivalRun[] {
  const runs: RivalRun[] = [];
  for (const rival of wordCountRivals) {
    const { name, isSlow = false } = rival;
    if (quick && isSlow) {
      say(`skipped: ${name}: a round takes minutes, and this is a quick measurement`);
      continue;
    }
    const missing = rival.missing();
    if (missing !== null) {
      say(`skipped: ${name}: ${missing}; ${rival.install}`);
      continue;
    }
    const output = join(directory, `${runs.length}.txt`);
    runs.push({ name, output, isRival: true, run: () => count(rival, input, output) });
  }
  return runs;
}

async function count({ command, prints }: Rival, input: string, output: string): Promise<void> {
  const [file, ...args] = command(input, output);
  const out = prints ? openSync(output, "w") : "ignore";
  const options: SpawnOptions = { stdio: ["ignore", out, "pipe"] };
  const child = spawn(file!, args, options);
  if (typeof out === "number") closeSync(out);
  const errors: string[] = [];
  child.stderr?.on("data", (chunk) => errors.push(String(chunk)));
  const [code] = await once(child, "exit");
  if (code !== 0)
    throw new Error(`${file} ${args.join(" ")} ended with ${code}\n${errors.join("")}`);
}
