/** `npm run bench [-- case…]`: measures, prints figures beside what is promised, and keeps them in
 *  bench/results. See `--help`. */
import { loadavg } from "node:os";
import { askedOf, usage } from "./arguments.ts";
import { browser } from "./browser/speed.ts";
import { type Case, type Figure, keepsBound } from "./case.ts";
import { engines } from "./engines.ts";
import { jobsAtOnce } from "./fairness/at-once.ts";
import { latency } from "./fairness/latency.ts";
import { twoJobs } from "./fairness/two-jobs.ts";
import { smallFiles } from "./files/small.ts";
import { tinyFilesCase } from "./files/tiny.ts";
import { files } from "./files/transfer.ts";
import { gateway } from "./gateway/gateway.ts";
import { growth } from "./growth/over-time.ts";
import { networks } from "./networks/lines.ts";
import { python } from "./python/speed.ts";
import {
  bound,
  machineName,
  roundsText,
  type Session,
  save,
  sessionText,
  valueText,
} from "./results.ts";
import { largeJobs } from "./scale/jobs.ts";
import { scale } from "./scale/workers.ts";
import { sortSizes } from "./sort/sizes.ts";
import { sort } from "./sort/sort.ts";
import { start } from "./start.ts";
import { tables } from "./tables/tables.ts";
import { tasks } from "./tasks.ts";
import { wordCount } from "./word-count.ts";
import { memory } from "./word-count-memory.ts";

const cases: readonly Case[] = [
  wordCount,
  tables,
  sort,
  sortSizes,
  memory,
  tasks,
  engines,
  largeJobs,
  jobsAtOnce,
  latency,
  twoJobs,
  growth,
  scale,
  gateway,
  start,
  files,
  tinyFilesCase,
  smallFiles,
  networks,
  browser,
  python,
];

const asked = askedOf(process.argv.slice(2), cases);
if (asked.kind === "help") {
  process.stdout.write(usage(cases));
  process.exit(0);
}
if (asked.kind === "wrong") {
  process.stderr.write(`${asked.text}\n`);
  process.exit(2);
}
const { cases: wanted, gib, json, quick, rounds } = asked;
const measured: Record<string, readonly Figure[]> = {};
const sessions: Record<string, Session> = {};
for (const [index, one] of wanted.entries()) {
  process.stderr.write(`${index + 1}/${wanted.length} ${one.name}: ${one.question}\n`);
  const say = (line: string) => process.stderr.write(`  ${line}\n`);
  const before = loadNow();
  measured[one.name] = await one.run({ quick, rounds, say, ...(gib === undefined ? {} : { gib }) });
  sessions[one.name] = { rounds, load: [before, loadNow()] };
}

const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: machineName(),
  node: process.versions.node,
  rounds,
  sessions,
  cases: measured,
};
if (json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
else print();
if (!quick) process.stderr.write(`kept in ${save(result)} and bench/README.md\n`);
const isKept = Object.values(measured).flat().every(keepsBound);
process.exitCode = isKept ? 0 : 1;

function loadNow(): number {
  return Math.round(loadavg()[0]! * 100) / 100;
}

function print(): void {
  for (const [name, figures] of Object.entries(measured)) {
    process.stdout.write(`${name}: ${sessionText(sessions[name]!)}\n`);
    for (const figure of figures) {
      const promised = bound(figure) === "" ? "" : `  (promised: ${bound(figure)})`;
      const fewer = figure.rounds === undefined ? "" : `  (${roundsText(figure.rounds)})`;
      process.stdout.write(`  ${figure.name}: ${valueText(figure)}${promised}${fewer}\n`);
    }
  }
}
