/** Runs seeds one after the other in a process of its own and prints one line of JSON. Apart from
 *  the test, since the test runner follows every promise, which makes a simulation much slower. */

import { coverageTable, Tally } from "../../sim/coverage.ts";
import { simulate } from "../../sim/simulate.ts";
import { goals } from "./goals.ts";

export type Seeds = {
  /** Seed and stack of the first that failed; null = none. */
  readonly failed: { readonly seed: number; readonly stack: string } | null;
  readonly lines: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
};

const tally = new Tally();
const started = process.cpuUsage();
let failed: Seeds["failed"] = null;
for (let seed = 1; seed <= goals.seeds; seed++) {
  const result = await simulate({ seed });
  tally.add(result);
  if (result.broken === null) continue;
  failed = { seed, stack: result.broken.stack ?? result.broken.message };
  break;
}
const lines = [tally.summary(cpuS()), ...coverageTable(tally).split("\n")];
const seeds: Seeds = { failed, lines, counts: Object.fromEntries(tally.counts) };
console.log(JSON.stringify(seeds));

function cpuS(): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}
