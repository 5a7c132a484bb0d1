/** `node scripts/strangers.ts [--seeds 10] [--honest 10000]`: crowds with liars around the
 *  production core, 100,000 tasks and 200 workers each, and the figures that are promised of
 *  them. */
import { parseArgs } from "node:util";
import { accusedIn, crowdOf, lyings, promisedFigures } from "../sim/strangers/figures.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    honest: { type: "string", default: "10000" },
  },
});
const size = { tasks: 100_000, workers: 200 };
let failed = false;

for (const { liars, most } of promisedFigures.work) {
  console.log(
    `${liars * 100} % liars: wrong results, those that recheck leaves, work, liars caught, at ` +
      "worst of the seeds",
  );
  for (const [name, lying] of Object.entries(lyings)) {
    let [wrong, left, work, caught, accused] = [0, 0, 0, Number.POSITIVE_INFINITY, 0];
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const result = crowdOf(lying, size, { seed, liars });
      wrong = Math.max(wrong, result.wrong);
      left = Math.max(left, result.left);
      work = Math.max(work, result.work);
      caught = Math.min(caught, result.caughtLiars);
      accused += result.caughtHonest;
    }
    const wrongMost = lying.patient ? promisedFigures.wrongPatient : promisedFigures.wrongLoud;
    const holds = wrong <= wrongMost && work <= most && accused === 0;
    failed ||= !holds;
    const of = Math.round(size.workers * liars);
    const row = [wrong.toExponential(1), left.toExponential(1), work.toFixed(3), `${caught}/${of}`];
    console.log(`  ${name.padEnd(36)} ${row.join("  ")}${holds ? "" : "  above what is promised"}`);
  }
}

let accused = 0;
for (let seed = 1; seed <= Number(values.honest); seed++) accused += accusedIn(seed);
console.log(`honest workers called liars in ${values.honest} seeds: ${accused}`);
if (failed || accused > 0) process.exitCode = 1;
