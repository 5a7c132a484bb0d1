/** The value of tests is what they find: each planted bug must be found by a judge of the
 *  simulation within 500 seeds, or by the test that is nearest to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mutants } from "./catalogue.ts";
import { knownSeeds } from "./known-seeds.ts";
import { runMutants } from "./lanes.ts";
import { failureOf } from "./nearest.ts";

test("each planted bug is caught by the simulation", async (t) => {
  const found = await runMutants("caught");
  let outdated = 0;
  for (const { name, nearest } of mutants) {
    if (nearest !== undefined) continue;
    await t.test(name, (t) => {
      const { message = "", seed = null, survived = 0 } = found.get(name) ?? {};
      assert.ok(seed !== null, `${name}: not seen in ${survived} seeds`);
      t.diagnostic(`seed ${seed}: ${message.slice(0, 120)}`);
      if (seed !== knownSeeds[name]) outdated += 1;
    });
  }
  if (outdated === 0) return;
  t.diagnostic(`${outdated} bugs have no known seed: node test/mutants/write-known-seeds.ts`);
});

test("each planted bug of what is not simulated is caught by the test nearest to it", async (t) => {
  for (const mutant of mutants) {
    const { name, nearest } = mutant;
    if (nearest === undefined) continue;
    await t.test(name, async (t) => {
      assert.ok(
        (await failureOf(mutant, nearest)) !== null,
        `${name}: "${nearest}" does not see it`,
      );
      t.diagnostic(`seen by "${nearest}"`);
    });
  }
});
