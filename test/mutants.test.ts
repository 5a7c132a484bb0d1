/** The simulation is worth what it finds: each planted bug must be seen by a judge within 500
 *  seeds. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { mutants } from "./mutants/catalogue.ts";
import { goals } from "./simulation/goals.ts";

const run = promisify(execFile);

test("each planted bug is caught", { concurrency: 2 }, async (t) => {
  const ran = mutants.map(({ name }) =>
    t.test(name, async (t) => {
      const file = join(import.meta.dirname, "mutants", "run.ts");
      const { stdout } = await run(process.execPath, [file, name, String(goals.seedsWanted)]);
      const { caught, seeds } = JSON.parse(stdout.trim().split("\n").at(-1)!);
      assert.ok(caught !== null, `${name}: not seen in ${seeds} seeds`);
      t.diagnostic(`seed ${caught.seed}: ${caught.message.slice(0, 120)}`);
    }),
  );
  await Promise.all(ran);
});
