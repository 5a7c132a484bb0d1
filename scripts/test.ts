/** `npm test`: every test, with Node's own runner. `npm test -- src/core/*.test.ts --only` runs
 *  some. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { compileCache } from "../test/fixtures/compile-cache.ts";
import { ensureChromium } from "./browsers/ensure-chromium.ts";
import { ensurePythonZeromq } from "./python/ensure-zeromq.ts";
import { buildWeb } from "./web/build-web.ts";

const everything = ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"];
/** Longest that one test may take, in ms, unless it says so itself; the kill tests with real
 *  processes come closest. A file of tests has as long, so it must hold the longest that names its
 *  own limit on a busy machine: `test/together`. */
const timeoutMs = 1_800_000;

/** Begun first: it takes longest, and late in the order of names it would be alone at the end. The
 *  other long ones stay apart, since they kill processes and wait for their successors. */
const firstFile = "test/together/together.test.ts";
/** One more than there are processors: many tests wait for a lease, a pause or a network. */
const concurrency = availableParallelism() + 1;

const args = process.argv.slice(2);
const files = args.filter((arg) => !arg.startsWith("-"));
const flags = args.filter((arg) => arg.startsWith("-"));
Object.assign(process.env, { ...compileCache, ...process.env });
if (files.length > 0) runSome();
else {
  ensureChromium();
  ensurePythonZeromq();
  // Once, and not in each of the tests that need it.
  await buildWeb();
  if (flags.length > 0) runSome();
  else runAll();
}

/** By the command, which knows all options. */
function runSome(): void {
  const command = [
    "--test",
    "--test-reporter=spec",
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutMs}`,
    ...flags.map((flag) => (flag === "--only" ? "--test-only" : flag)),
    ...(files.length === 0 ? everything : files),
  ];
  process.exitCode = spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
}

/** Not by the command: it sorts files by name. */
function runAll(): void {
  const found = globSync(everything).map((path) => path.replaceAll("\\", "/"));
  if (!found.includes(firstFile)) throw new Error(`no such test: ${firstFile}`);
  const others = found.filter((path) => path !== firstFile).sort();
  const tests = run({ files: [firstFile, ...others], concurrency, timeout: timeoutMs });
  tests.on("test:fail", () => {
    process.exitCode = 1;
  });
  tests.compose(spec).pipe(process.stdout);
}
