/** Whole clusters from seeds, with faults, on the production loops: every law holds, every job ends
 *  as it should, and the same seed gives the same run. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { consequences } from "../../sim/coverage.ts";
import { faultRates } from "../../sim/faults.ts";
import { simulatedLaws } from "../../sim/judges/laws.ts";
import { type SeedResult, simulate } from "../../sim/simulate.ts";
import { deposing } from "./deposing.ts";
import { goals } from "./goals.ts";
import type { Seeds } from "./seeds.ts";

const run = promisify(execFile);

function held(result: SeedResult, kind = ""): void {
  if (result.broken === null) return;
  const again = `npm run simulate --${kind} --seed ${result.seed} --story`;
  assert.fail(`seed ${result.seed}: ${result.broken.stack}\nsee it again: ${again}`);
}

test("all laws hold in every seed, and every law and fault is exercised", async (t) => {
  const file = join(import.meta.dirname, "seeds.ts");
  const { stdout } = await run(process.execPath, [file]);
  const { counts, failed, lines } = JSON.parse(stdout) as Seeds;
  for (const line of lines) t.diagnostic(line);
  if (failed !== null) {
    const again = `npm run simulate -- --seed ${failed.seed} --story`;
    assert.fail(`seed ${failed.seed}: ${failed.stack}\nsee it again: ${again}`);
  }
  for (const what of consequences) assert.ok((counts[what] ?? 0) > 0, `${what} never happened`);
  for (const law of simulatedLaws) {
    assert.ok((counts[law] ?? 0) >= goals.timesLeast, `${law}: hardly ever exercised`);
  }
  for (const kind of Object.keys(faultRates)) {
    assert.ok((counts[kind] ?? 0) >= goals.timesLeast, `${kind} hardly ever happened`);
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

test("W2: a coordinator paused while another took over answers and removes nothing", async () => {
  for (const seed of [9, 127, 182]) held(await simulate({ seed, rates: deposing }));
});

test("I25: tabs that come and go leave no slot free beside a ready task", async () => {
  const law = "I25: no slot is free beside a ready task for 5 s";
  let exercised = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const result = await simulate({ seed, tabLists: true });
    held(result, " --tab-lists");
    exercised += result.coverage.get(law) ?? 0;
  }
  assert.ok(exercised >= 1_000, `exercised ${exercised} times only`);
});

test("a run without faults has every job end well", async () => {
  const result = await simulate({ seed: 5, faults: new Set() });
  held(result);
  assert.ok((result.coverage.get("job done") ?? 0) > 0);
  assert.equal(result.coverage.get("worker lost: silent"), undefined);
});
