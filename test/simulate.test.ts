/** Whole clusters from seeds, with faults, on the production loops: every law holds, every job ends
 *  as it should, and the same seed gives the same run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimResult, simulate } from "../src/sim/cluster.ts";
import { coverageTable, Tally } from "../src/sim/coverage.ts";
import { faultRates } from "../src/sim/faults.ts";

/** What is wanted: so many seeds and so much of the cluster's time … */
const seedsWanted = 500;
const hoursWanted = 300;
/** … but on a slow or busy machine only what fits into this processor time, never fewer seeds than
 *  `seedsLeast`; the line that is printed says so. */
const cpuMaxS = 60;
const seedsLeast = 100;

function held(result: SimResult): void {
  if (result.broken === null) return;
  const again = `npm run simulate -- --seed ${result.seed} --story`;
  assert.fail(`seed ${result.seed}: ${result.broken.stack}\nsee it again: ${again}`);
}

test("all laws hold in every seed, and every kind of fault really happens", async (t) => {
  const tally = new Tally();
  const started = process.cpuUsage();
  const cpuS = () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
  let isCut = false;
  for (let seed = 1; seed <= seedsWanted || tally.hours < hoursWanted; seed++) {
    isCut = seed > seedsLeast && cpuS() > cpuMaxS;
    if (isCut) break;
    const result = await simulate({ seed });
    tally.add(result);
    held(result);
  }
  const wanted = `all of ${seedsWanted} seeds and ${hoursWanted} hours`;
  const cut = `cut at ${cpuMaxS} s of CPU, short of ${seedsWanted} seeds and ${hoursWanted} hours`;
  t.diagnostic(`${tally.summary(cpuS())} (${isCut ? cut : wanted})`);
  for (const line of coverageTable(tally).split("\n")) t.diagnostic(line);
  for (const kind of Object.keys(faultRates)) {
    assert.ok((tally.counts.get(kind) ?? 0) >= 20, `${kind} hardly ever happened`);
  }
});

test("I22: the same seed gives the same run, event for event", async () => {
  for (const seed of [3, 14, 15, 92]) {
    const first = await simulate({ seed });
    const second = await simulate({ seed });
    assert.equal(second.trace, first.trace);
    assert.equal(second.events, first.events);
  }
  assert.notEqual((await simulate({ seed: 1 })).trace, (await simulate({ seed: 2 })).trace);
});

test("a run without faults has every job end well", async () => {
  const result = await simulate({ seed: 5, faults: new Set() });
  held(result);
  assert.ok((result.coverage.get("job done") ?? 0) > 0);
  assert.equal(result.coverage.get("worker lost: silent"), undefined);
});
