/** The simulation is worth what it finds: each planted bug must be seen by a judge within 500
 *  seeds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mutants } from "./mutants/catalogue.ts";
import { knownSeeds } from "./mutants/known-seeds.ts";
import { runMutants } from "./mutants/lanes.ts";

test("each planted bug is caught", async (t) => {
  const found = await runMutants("caught");
  let outdated = 0;
  for (const { name } of mutants) {
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
