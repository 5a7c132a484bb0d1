/** Asks Python about a job file, where it is submitted: a child process, with a limit. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ClusterError } from "../../core/error.ts";
import { LineCutter } from "../../wire/line-cutter.ts";

/** Beside `src` and `dist` alike. */
const ownFolder = resolve(dirname(fileURLToPath(import.meta.url)), "../../../python");
const tailMaxCharacters = 2_000;
/** What a job writes without a newline is passed on in lines of this length. */
const lineMaxCharacters = 1024 * 1024;

/** As workers start it; the environment is the user's, but for what changes results. */
const flags = ["-s", "-B", "-X", "utf8"];

const asOnWorkers = {
  PYTHONHASHSEED: "0",
  LANG: "C.UTF-8",
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
} as const;

export type Question = {
  /** Of `python/tequio`, as "_plan/main.py". */
  readonly script: string;
  readonly args: readonly string[];
  readonly limitMs: number;
  /** What the job writes: lines of its standard output and error. */
  readonly onLine: (line: string) => void;
};

/** Resolves when the child has ended well. It ends by itself when this process does. `unavailable`:
 *  there is no Python here; `timed-out`: it was ended at its limit; `task-crashed`: it ended in
 *  another way. */
export async function askPython({ args, limitMs, onLine, script }: Question): Promise<void> {
  const program = findPython();
  const path = join(ownFolder, "tequio", script);
  const child = spawn(program, [...flags, path, ...args], {
    env: { ...ownEnvironment(), ...asOnWorkers },
    // The last is never written: when it closes, the child knows that this process is gone.
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let tail = "";
  child.stdio[3]?.on("error", () => {});
  for (const stream of [child.stdout!, child.stderr!]) {
    const cutter = new LineCutter();
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      tail = (tail + chunk).slice(-tailMaxCharacters);
      for (const line of cutter.add(chunk)) onLine(line);
      if (cutter.restCharacters > lineMaxCharacters) onLine(cutter.end());
    });
    stream.on("end", () => {
      const rest = cutter.end();
      if (rest !== "") onLine(rest);
    });
  }
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, limitMs);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
      (done, failed) => child.once("error", failed).once("close", (...ended) => done(ended)),
    );
    if (code === 0) return;
    if (isLate) throw new ClusterError("timed-out", `Python was ended after ${limitMs} ms`);
    const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
    throw new ClusterError("task-crashed", `Python ${how}: ${tail.trim()}`);
  } finally {
    clearTimeout(timer);
  }
}

function findPython(): string {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(isAbsolute);
  const found = folders.map((folder) => join(folder, "python3")).find(existsSync);
  if (found !== undefined) return found;
  const text = "there is no python3 on this machine, which a Python job needs to be submitted";
  throw new ClusterError("unavailable", `${text}: install Python 3.9 or newer`);
}

/** Settings of Python are those of the user's own programs. */
function ownEnvironment(): Record<string, string | undefined> {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith("PYTHON"));
  return Object.fromEntries(entries);
}
