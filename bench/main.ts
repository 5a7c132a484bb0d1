/** `npm run bench [-- case…]`: measures, prints figures beside what is promised, and keeps them in
 *  bench/results.
 *  Options: `--rounds <n>`, `--quick` (small and not kept), `--json`. Exit code 1 when a bound is
 *  broken. */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { browser } from "./browser/speed.ts";
import { type Case, type Figure, keepsBound } from "./case.ts";
import { files } from "./files/transfer.ts";
import { gateway } from "./gateway/gateway.ts";
import { bound, machineName, type Session, save, sessionText, valueText } from "./results.ts";
import { largeJobs } from "./scale/jobs.ts";
import { scale } from "./scale/workers.ts";
import { sort } from "./sort/sort.ts";
import { start } from "./start.ts";
import { tasks } from "./tasks.ts";
import { wordCount } from "./word-count.ts";

const cases: readonly Case[] = [
  wordCount,
  sort,
  tasks,
  largeJobs,
  scale,
  gateway,
  start,
  files,
  browser,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", multiple: true },
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const asked = [...positionals, ...(values.only ?? [])];
const names = cases.map(({ name }) => name);
const unknown = asked.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no such case: ${unknown.join(", ")}; there are: ${names.join(", ")}\n`);
  process.exit(2);
}
const rounds = Number(values.rounds ?? (values.quick ? 3 : 5));
if (!Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`--rounds takes a whole number from 1 on, not "${values.rounds}"\n`);
  process.exit(2);
}

const wanted = cases.filter(({ name }) => asked.length === 0 || asked.includes(name));
const measured: Record<string, readonly Figure[]> = {};
const sessions: Record<string, Session> = {};
for (const [index, one] of wanted.entries()) {
  process.stderr.write(`${index + 1}/${wanted.length} ${one.name}: ${one.question}\n`);
  const say = (line: string) => process.stderr.write(`  ${line}\n`);
  const before = loadNow();
  measured[one.name] = await one.run({ quick: values.quick, rounds, say });
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
if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
else print();
if (!values.quick) process.stderr.write(`kept in ${save(result)} and bench/README.md\n`);
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
      process.stdout.write(`  ${figure.name}: ${valueText(figure)}${promised}\n`);
    }
  }
}
