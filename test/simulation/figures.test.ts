/** What crashes and a slow machine may cost a job, on a simulated fleet of fifty workers;
 *  `npm run simulate -- --figures` has a hundred. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { type Figure, figureText } from "../../sim/figures.ts";

test("12 % of the workers killed, or one ten times slow, cost a job at most a tenth", async (t) => {
  // Apart from the test, since the test runner follows every promise, which makes it much slower.
  const file = join(import.meta.dirname, "figures.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [file, "1"]);
  const figures = JSON.parse(stdout) as Figure[];
  assert.equal(figures.filter(({ boundPercent }) => boundPercent === 10).length, 3);
  for (const figure of figures) {
    t.diagnostic(figureText(figure));
    for (const percent of figure.percents) {
      if (figure.boundPercent !== null)
        assert.ok(percent <= figure.boundPercent, figureText(figure));
    }
  }
  const without = figures.find(({ what }) => what.includes("without backup"));
  assert.ok(Math.max(...without!.percents) > 10, "what backups are for must be seen");
});
