/** `npm run check`: everything that a change must pass, cheapest first; stops at the first
 *  failure. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const tsc = ["node_modules/typescript/bin/tsc", "--noEmit"];
const steps: ReadonlyArray<readonly [name: string, args: readonly string[]]> = [
  ["types", [...tsc, "-p", "."]],
  ["types of core, without Node", [...tsc, "-p", "src/core"]],
  ["types of wire, without Node", [...tsc, "-p", "src/wire"]],
  ["types of the web page", [...tsc, "-p", "src/web"]],
  ["types of what runs in tabs, without Node", [...tsc, "-p", "src/worker/browser"]],
  ["types of the simulation's page", [...tsc, "-p", "sim/page"]],
  ["format and lint", ["node_modules/@biomejs/biome/bin/biome", "ci", "--error-on-warnings"]],
  ["tidy", ["--test", "--test-reporter=dot", "test/tidy/tidy.test.ts"]],
  ["tests", ["scripts/test.ts", "--all"]],
  ["package", ["scripts/pack-check.ts"]],
];

for (const [name, args] of steps) {
  const file = args.find((arg) => !arg.startsWith("-"));
  if (file !== undefined && !existsSync(file)) throw new Error(`no ${file} for the step ${name}`);
  const startedMs = performance.now();
  process.stdout.write(`── ${name}\n`);
  const ran = spawnSync(process.execPath, args, { stdio: "inherit" });
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  if (ran.status !== 0) {
    process.stdout.write(`── ${name}: failed after ${seconds} s\n`);
    process.exit(1);
  }
  process.stdout.write(`── ${name}: good, ${seconds} s\n`);
}
