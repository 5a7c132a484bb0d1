/** `npm run simulate -- --seed 7`: simulated clusters from seeds, with faults; replays, traces and
 *  shortens what fails. */
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { coverageTable, Tally } from "../sim/coverage.ts";
import { figures, figureText, fleet } from "../sim/figures.ts";
import { shrink } from "../sim/shrink.ts";
import { simulate } from "../sim/simulate.ts";

// Much code runs for a short time here: what the engine would spend on inlining more than this it
// does not win back, in 24 hours of a cluster nor in 200.
setFlagsFromString("--max-inlined-bytecode-size-cumulative=200");

const help = `Simulated clusters: the production loops; clock, network, disk and deaths from a seed.

  npm run simulate -- --seed 7 --story       one seed, with all that happens
  npm run simulate -- --hours 24             seeds, until the cluster has lived for 24 hours
  npm run simulate -- --seed 7 --shrink      the fewest faults and jobs that still break the law
  npm run simulate -- --tab-lists --seeds 10000 --keep-going
                                             tabs that come and go while lists of tasks run
  npm run simulate -- --figures              what deaths and a slow machine cost a job
  npm run simulate -- --page --open          1,000 workers to look at, in the browser

  --seed N          first seed (1)
  --seeds N         how many, one after the other (1)
  --hours N         go on until so many hours of the cluster's time have passed
  --story           print what happened
  --shrink          shorten a failing seed
  --keep-going      do not stop at the first seed that fails
  --faults 3,7      only these faults of the plan, as --shrink prints them
  --jobs 1,2        only these jobs
  --tab-lists       only clusters of tabs that come and go while lists of tasks run
  --figures         on five seeds, or on --seeds
  --page            build the page, and print where it is
  --open            with --page: show it`;

/** A line of progress comes after so many seeds. */
const toldEvery = 500;

const flag = { type: "boolean", default: false } as const;
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    hours: { type: "string" },
    story: flag,
    shrink: flag,
    "keep-going": flag,
    faults: { type: "string" },
    jobs: { type: "string" },
    "tab-lists": flag,
    figures: flag,
    page: flag,
    open: flag,
    help: flag,
  },
});

if (values.help) console.log(help);
else if (values.page) await makePage();
else if (values.figures) await printFigures(number(values.seed), number(values.seeds ?? "5"));
else await runSeeds();

async function makePage(): Promise<void> {
  // Only here: the bundler takes longer to load than a seed takes.
  const { buildSimulationPage, openInBrowser } = await import("./web/simulation-page.ts");
  const path = await buildSimulationPage();
  console.log(path);
  if (values.open) openInBrowser(path);
}

async function printFigures(first: number, count: number): Promise<void> {
  const { mapTasks, meanMs, reduceTasks, workers } = fleet;
  const seeds = Array.from({ length: count }, (_, index) => first + index);
  console.log(
    `${workers} workers, ${mapTasks} map and ${reduceTasks} reduce tasks of ${meanMs} ms`,
  );
  console.log(`time of the job against the same seed without, seeds ${seeds.join(", ")}:`);
  for (const figure of await figures(seeds, { all: true })) console.log(`  ${figureText(figure)}`);
}

async function runSeeds(): Promise<void> {
  const first = number(values.seed);
  const seedsMax = number(values.seeds ?? (values.hours === undefined ? "1" : "1000000000"));
  const hoursMax = number(values.hours ?? "1000000000");
  const chosen = {
    ...(values.faults === undefined ? {} : { faults: numbers(values.faults) }),
    ...(values.jobs === undefined ? {} : { jobs: numbers(values.jobs) }),
    tabLists: values["tab-lists"],
  };
  const tally = new Tally();
  const started = process.cpuUsage();
  for (let seed = first; seed < first + seedsMax && tally.hours < hoursMax; seed++) {
    const result = await simulate({ seed, story: values.story, ...chosen });
    tally.add(result);
    if (tally.seeds % toldEvery === 0) console.error(tally.summary(cpuS(started)));
    if (values.story) console.log(result.story.join("\n"));
    if (seedsMax === 1) console.log(`seed ${seed}: trace ${result.trace}, ${result.events} events`);
    if (result.broken === null) continue;
    tally.failed += 1;
    console.log(`seed ${seed}: ${result.broken.stack ?? result.broken.message}`);
    if (result.broken.cause !== undefined) console.log(result.broken.cause);
    if (values.shrink) {
      const short = await shrink({ seed, ...chosen }, result);
      console.log(`shortest: ${short.command}\n${short.result.broken?.message}`);
    } else {
      const kind = values["tab-lists"] ? " --tab-lists" : "";
      console.log(`again: npm run simulate --${kind} --seed ${seed} --story (or --shrink)`);
    }
    process.exitCode = 1;
    if (!values["keep-going"]) break;
  }
  console.log(coverageTable(tally));
  console.log(tally.summary(cpuS(started)));
}

/** Processor time since then, s. */
function cpuS(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

function number(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${text} is not a whole number`);
}

function numbers(text: string): Set<number> {
  return new Set(text === "" ? [] : text.split(",").map(number));
}
