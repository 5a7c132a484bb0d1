/** `npm test`: every test, with Node's own runner. `npm test -- src/core/*.test.ts --only` runs
 *  some. */
import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { compileCache } from "../test/compile-cache.ts";
import { ensureChromium } from "./browsers/ensure-chromium.ts";
import { ensurePythonZeromq } from "./python/ensure-zeromq.ts";
import { buildWeb } from "./web/build-web.ts";

const everything = ["src/**/*.test.ts", "test/**/*.test.ts", "examples/**/*.test.ts"];
/** Longest that one test may take, in ms, unless it says so itself; the kill tests with real
 *  processes come closest. A file of tests has as long, so it must hold the longest that names its
 *  own limit on a busy machine: `test/together`. */
const timeoutMs = 1_800_000;

const args = process.argv.slice(2);
const files = args.filter((arg) => !arg.startsWith("-"));
const flags = args.map((arg) => (arg === "--only" ? "--test-only" : arg));
if (files.length === 0) {
  ensureChromium();
  ensurePythonZeromq();
  // Once, and not in each of the tests that need it.
  await buildWeb();
}
const ran = spawnSync(
  process.execPath,
  [
    "--test",
    "--test-reporter=spec",
    // One more than there are processors: many tests wait for a lease, a pause or a network.
    `--test-concurrency=${availableParallelism() + 1}`,
    `--test-timeout=${timeoutMs}`,
    ...flags.filter((flag) => flag.startsWith("-")),
    ...(files.length === 0 ? everything : files),
  ],
  { stdio: "inherit", env: { ...compileCache, ...process.env } },
);
process.exitCode = ran.status ?? 1;
