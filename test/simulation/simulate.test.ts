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
import { simulate } from "../../sim/simulate.ts";
import { depth, isShort } from "../fixtures/depth.ts";
import { simulateApart } from "./apart.ts";
import { deposing } from "./deposing.ts";
import { goals } from "./goals.ts";
import type { Seeds } from "./seeds.ts";

const run = promisify(execFile);

type Held = { readonly seed: number; readonly broken: { readonly stack?: string } | null };

function held(result: Held, kind = ""): void {
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
  // Some are too rare for a few seeds.
  for (const what of isShort ? [] : consequences)
    assert.ok((counts[what] ?? 0) > 0, `${what} never happened`);
  for (const law of simulatedLaws) {
    assert.ok((counts[law] ?? 0) >= goals.timesLeast, `${law}: hardly ever exercised`);
  }
  for (const kind of Object.keys(faultRates)) {
    assert.ok((counts[kind] ?? 0) >= goals.timesLeast, `${kind} hardly ever happened`);
  }
});

test("I22: the same seed gives the same run, event for event", async () => {
  const seeds = [3, 14, 15, 92];
  const runs = await simulateApart([...seeds, ...seeds, 1, 2].map((seed) => ({ seed })));
  const firsts = runs.slice(0, seeds.length);
  assert.deepEqual(runs.slice(seeds.length, 2 * seeds.length), firsts);
  assert.deepEqual(
    firsts.map(({ seed }) => seed),
    seeds,
  );
  const [one, two] = runs.slice(2 * seeds.length);
  assert.notEqual(one?.trace, two?.trace);
});

test("W2: a coordinator paused while another took over answers and removes nothing", async () => {
  const all = [9, 127, 182].map((seed) => ({ seed, rates: deposing }));
  const results = await simulateApart(all);
  assert.equal(results.length, all.length);
  for (const result of results) held(result);
});

test("I25: tabs that come and go leave no slot free beside a ready task", async () => {
  const law = "I25: no slot is free beside a ready task for 5 s";
  let exercised = 0;
  const all = Array.from({ length: depth(10, 3) }, (_, index) => ({
    seed: index + 1,
    tabLists: true,
  }));
  for (const result of await simulateApart(all)) {
    held(result, " --tab-lists");
    exercised += result.coverage[law] ?? 0;
  }
  assert.ok(exercised >= depth(1_000, 300), `exercised ${exercised} times only`);
});

test("a run without faults has every job end well", async () => {
  const result = await simulate({ seed: 5, faults: new Set() });
  held(result);
  assert.ok((result.coverage.get("job done") ?? 0) > 0);
  assert.equal(result.coverage.get("worker lost: silent"), undefined);
});
