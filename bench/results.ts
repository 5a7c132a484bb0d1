/** Keeps what was measured: a JSON file per machine and day, and the table in bench/README.md. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { type Figure, keepsBound } from "./case.ts";

export type Result = {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly rounds: number;
  readonly cases: Readonly<Record<string, readonly Figure[]>>;
};

const directory = join(import.meta.dirname, "results");
const readme = join(import.meta.dirname, "README.md");
const begin = "<!-- results: written by npm run bench -->";
const end = "<!-- end of results -->";

/** What matters of the machine, without its name. */
export function machineName(): string {
  const gigabytes = Math.round(totalmem() / 1e9);
  return `${platform()}-${arch()}-${cpus().length}-cores-${gigabytes}-gb`;
}

/** Cases that were not measured this time keep what the same day's file says of them. */
export function save(result: Result): string {
  mkdirSync(directory, { recursive: true });
  const name = `${result.machine}-${result.date}.json`;
  const before = readResults().find((one) => `${one.machine}-${one.date}.json` === name);
  const whole = { ...result, cases: { ...before?.cases, ...result.cases } };
  writeFileSync(join(directory, name), `${JSON.stringify(whole, null, 2)}\n`);
  const text = readFileSync(readme, "utf8");
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (tail === undefined) throw new Error(`bench/README.md has lost its marks ${begin} … ${end}`);
  writeFileSync(readme, `${head}${begin}\n\n${tables(readResults())}\n${end}${tail}`);
  return join("bench", "results", name);
}

/** Newest first. */
export function readResults(): Result[] {
  mkdirSync(directory, { recursive: true });
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Result)
    .toSorted((a, b) => (a.date < b.date ? 1 : -1));
}

function tables(results: readonly Result[]): string {
  return results.map(table).join("\n");
}

function table(result: Result): string {
  const rows = Object.entries(result.cases).flatMap(([name, figures]) =>
    figures.map(
      (figure) => `| ${name} | ${figure.name} | ${valueText(figure)} | ${bound(figure)} |`,
    ),
  );
  return [
    `${result.date}, ${result.machine}, Node ${result.node}, medians of ${result.rounds} rounds:`,
    "",
    "| case | figure | measured | promised |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

export function valueText({ value, unit }: Figure): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  if (unit === "") return value === 1 ? "yes" : "no";
  return `${value.toFixed(digits)} ${unit}`;
}

export function bound(figure: Figure): string {
  const { atLeast, atMost, unit } = figure;
  if (atLeast === undefined && atMost === undefined) return "";
  const kept = keepsBound(figure) ? "" : ", **not kept**";
  if (unit === "") return `yes${kept}`;
  return `${atLeast === undefined ? "≤" : "≥"} ${atLeast ?? atMost} ${unit}${kept}`;
}
