/** `npm test`: every test, with Node's own runner. `npm test -- src/core/*.test.ts --only` runs
 *  some. */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { spec } from "node:test/reporters";
import { caches } from "../test/fixtures/caches.ts";
import { programFile } from "../test/fixtures/programs.ts";
import { ensureTools } from "./suite/debian-tools.ts";
import { allParts } from "./suite/parts.ts";
import { runParts } from "./suite/run-parts.ts";
import { buildWeb } from "./web/build-web.ts";

/** Longest that one test may take, in ms, unless it says so itself; the kill tests with real
 *  processes come closest. A file of tests has as long, so it must hold the longest that names its
 *  own limit on a busy machine: `test/together`. */
const timeoutMs = 1_800_000;

const args = process.argv.slice(2);
const files = args.filter((arg) => !arg.startsWith("-"));
const flags = args.filter((arg) => arg.startsWith("-"));
Object.assign(process.env, { ...caches, ...process.env });
if (files.length > 0) runSome(files);
else {
  ensureTools();
  // Once, and not in each of the tests that need it.
  await buildWeb();
  programFile("tequio");
  if (flags.length > 0) runSome(allParts().flat());
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
  const { ended, reports } = runParts(allParts(), timeoutMs);
  reports.pipe(new spec()).pipe(process.stdout);
  if (!(await ended)) process.exitCode = 1;
}
