/** `npm run bench`: measures, prints figures beside what is promised, and keeps them in
 *  bench/results.
 *  Options: `--only <case>`, `--quick` (small and not kept), `--json`. Exit code 1 when a bound is
 *  broken. */
import { parseArgs } from "node:util";
import { type Case, type Figure, keepsBound } from "./case.ts";
import { bound, machineName, save, valueText } from "./results.ts";
import { tasks } from "./tasks.ts";
import { wordCount } from "./word-count.ts";

const cases: readonly Case[] = [wordCount, tasks];

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const wanted = cases.filter(({ name }) => values.only?.includes(name) ?? true);
if (wanted.length === 0) {
  const names = cases.map(({ name }) => name).join(", ");
  process.stderr.write(`no such case: ${values.only?.join(", ")}; there are: ${names}\n`);
  process.exit(2);
}

const rounds = values.quick ? 3 : 5;
const measured: Record<string, readonly Figure[]> = {};
for (const one of wanted) {
  process.stderr.write(`${one.name}: ${one.question}\n`);
  const say = (line: string) => process.stderr.write(`  ${line}\n`);
  measured[one.name] = await one.run({ quick: values.quick, rounds, say });
}

const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: machineName(),
  node: process.versions.node,
  rounds,
  cases: measured,
};
if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
else print();
if (!values.quick) process.stderr.write(`kept in ${save(result)} and bench/README.md\n`);
const isKept = Object.values(measured).flat().every(keepsBound);
process.exitCode = isKept ? 0 : 1;

function print(): void {
  for (const [name, figures] of Object.entries(measured)) {
    process.stdout.write(`${name}\n`);
    for (const figure of figures) {
      const promised = bound(figure) === "" ? "" : `  (promised: ${bound(figure)})`;
      process.stdout.write(`  ${figure.name}: ${valueText(figure)}${promised}\n`);
    }
  }
}
