/** `npm test`: what shows in minutes that all works, with Node's own runner; `npm test -- --all`
 *  runs every test, and goes all the way in each. `npm test -- src/core/*.test.ts --only` runs
 *  some, all the way; `npm test -- --cpu` prints the processor time of each file at the end. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { spec } from "node:test/reporters";
import { temporaryFolder } from "../src/store/testing/at-end.ts";
import { caches } from "../test/fixtures/caches.ts";
import { programFile } from "../test/fixtures/programs.ts";
import { ensureTools } from "./suite/debian-tools.ts";
import { left } from "./suite/long.ts";
import { allParts } from "./suite/parts.ts";
import { runParts } from "./suite/run-parts.ts";
import { buildWeb } from "./web/build-web.ts";

/** Longest that one test may take, in ms, unless it says so itself; the kill tests with real
 *  processes come closest. A file of tests has as long, so it must hold the longest that names its
 *  own limit on a busy machine: `test/together`. */
const timeoutMs = 1_800_000;

const args = process.argv.slice(2);
const files = args.filter((arg) => !arg.startsWith("-"));
const printsCpu = args.includes("--cpu");
const isWhole = args.includes("--all");
const ours = ["--all", "--cpu"];
const flags = args.filter((arg) => arg.startsWith("-") && !ours.includes(arg));
Object.assign(process.env, { ...caches, ...process.env });
if (files.length > 0) runSome(files);
else {
  ensureTools();
  // Once, and not in each of the tests that need it.
  await buildWeb();
  programFile("tequio");
  if (!isWhole) process.env.TEST_DEPTH = "short";
  if (flags.length > 0) runSome(allParts(isWhole).flat());
  else await runAll();
}

/** By the command, which knows all options. */
function runSome(some: readonly string[]): void {
  const command = [
    "--test",
    "--test-reporter=spec",
    `--test-concurrency=${availableParallelism() + 1}`,
    `--test-timeout=${timeoutMs}`,
    ...flags.map((flag) => (flag === "--only" ? "--test-only" : flag)),
    ...some,
  ];
  process.exitCode = spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
}

async function runAll(): Promise<void> {
  using folder = temporaryFolder("tequio-suite-");
  const cpuFile = printsCpu ? join(folder.path, "cpu") : null;
  const { ended, reports } = runParts(allParts(isWhole), { cpuFile, timeoutMs });
  reports.pipe(new spec()).pipe(process.stdout);
  if (!(await ended)) process.exitCode = 1;
  if (!isWhole) printLeft();
  if (cpuFile !== null) printCpu(readFileSync(cpuFile, "utf8"));
}

function printLeft(): void {
  const lines = left.map(({ why, starts }) => `  those that ${why}: ${starts.join(" ")}`);
  const text = "left to `npm test -- --all`, beside further seeds, kills and inputs:";
  console.log([text, ...lines].join("\n"));
}

/** The most expensive first; s of user and system together. */
function printCpu(text: string): void {
  const lines = text.trim().split("\n");
  const sorted = lines.toSorted((a, b) => Number.parseFloat(b) - Number.parseFloat(a));
  const sum = lines.reduce((before, line) => before + Number.parseFloat(line), 0);
  console.log([...sorted, `${sum.toFixed(1)} s of processor in all`].join("\n"));
}
