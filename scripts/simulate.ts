/** `npm run simulate -- --seed 7`: simulated clusters from seeds, with faults; replays, tells the
 *  story of, and shortens what fails. */
import { parseArgs } from "node:util";
import { coverageTable, Tally } from "../src/sim/coverage.ts";
import { shrink } from "../src/sim/shrink.ts";
import { simulate } from "../src/sim/simulate.ts";

const { values } = parseArgs({
  options: {
    /** First seed. */
    seed: { type: "string", default: "1" },
    /** How many, one after the other. */
    seeds: { type: "string" },
    /** Go on until so many hours of cluster time have passed. */
    hours: { type: "string" },
    /** Print what happened. */
    story: { type: "boolean", default: false },
    /** Shorten a failing seed. */
    shrink: { type: "boolean", default: false },
    /** Do not stop at the first seed that fails. */
    "keep-going": { type: "boolean", default: false },
    /** Only these faults of the plan, and these jobs: `--faults 3,7`, as `--shrink` prints them. */
    faults: { type: "string" },
    jobs: { type: "string" },
  },
});

const first = number(values.seed);
const seedsMax = number(values.seeds ?? (values.hours === undefined ? "1" : "1000000000"));
const hoursMax = number(values.hours ?? "1000000000");
const chosen = {
  ...(values.faults === undefined ? {} : { faults: numbers(values.faults) }),
  ...(values.jobs === undefined ? {} : { jobs: numbers(values.jobs) }),
};
const tally = new Tally();
const startedMs = process.cpuUsage();

for (let seed = first; seed < first + seedsMax && tally.hours < hoursMax; seed++) {
  const result = await simulate({ seed, story: values.story, ...chosen });
  tally.add(result);
  if (values.story) console.log(result.story.join("\n"));
  if (result.broken === null) continue;
  console.log(`seed ${seed}: ${result.broken.stack ?? result.broken.message}`);
  if (result.broken.cause !== undefined) console.log(result.broken.cause);
  if (values.shrink) {
    const short = await shrink({ seed, ...chosen }, result);
    console.log(`shortest: ${short.command}\n${short.result.broken?.message}`);
  } else console.log(`again: npm run simulate -- --seed ${seed} --story (or --shrink)`);
  process.exitCode = 1;
  if (!values["keep-going"]) break;
}
const { user, system } = process.cpuUsage(startedMs);
console.log(coverageTable(tally));
console.log(tally.summary((user + system) / 1e6));

function number(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${text} is not a whole number`);
}

function numbers(text: string): Set<number> {
  return new Set(text === "" ? [] : text.split(",").map(number));
}
