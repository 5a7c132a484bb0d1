/** Keeps what was measured: a JSON file and a plot per machine and day, and the table in
 *  bench/README.md. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { arch, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { type Figure, keepsBound } from "./case.ts";
import { plot } from "./plot.ts";

export type Session = {
  readonly rounds: number;
  /** Load of the machine in the minutes before the case and at its end. */
  readonly load: readonly [before: number, after: number];
};

export type Result = {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly rounds: number;
  /** How each case was measured; absent in what earlier versions kept. */
  readonly sessions?: Readonly<Record<string, Session>>;
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
  const whole = {
    ...result,
    sessions: { ...before?.sessions, ...result.sessions },
    cases: { ...before?.cases, ...result.cases },
  };
  writeFileSync(join(directory, name), `${JSON.stringify(whole, null, 2)}\n`);
  const drawn = plot(Object.values(whole.cases).flat(), valueText);
  writeFileSync(join(directory, plotName(whole)), drawn);
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

function plotName({ date, machine }: Result): string {
  return `${machine}-${date}.svg`;
}

function tables(results: readonly Result[]): string {
  return results.map(table).join("\n");
}

function table(result: Result): string {
  const { date, machine, node, rounds } = result;
  return [
    `### ${date}, ${machine}, Node ${node}`,
    "",
    ...(hasPlot(result) ? [`![The same as bars](results/${plotName(result)})`, ""] : []),
    ...Object.entries(result.cases).flatMap(([name, figures]) => [
      `${name}: ${sessionText(result.sessions?.[name] ?? { rounds })}`,
      "",
      ...rowsOf(figures),
      "",
    ]),
  ].join("\n");
}

/** With a column for rounds where some ran fewer. */
export function rowsOf(figures: readonly Figure[]): string[] {
  const some = figures.some(({ rounds }) => rounds !== undefined);
  const last = (text: string) => (some ? ` ${text} |` : "");
  return [
    `| figure | measured | promised |${last("rounds")}`,
    `| --- | ---: | --- |${last("---")}`,
    ...figures.map((one) => {
      const fewer = one.rounds === undefined ? "" : roundsText(one.rounds);
      const name = one.name.replaceAll("|", "\\|");
      return `| ${name} | ${valueText(one)} | ${bound(one)} |${last(fewer)}`;
    }),
  ];
}

export function roundsText(rounds: number): string {
  return rounds === 1 ? "1 round only" : `${rounds} rounds only`;
}

function hasPlot({ cases }: Result): boolean {
  return Object.values(cases)
    .flat()
    .some(({ bar }) => bar !== undefined);
}

/** With what else the machine did: two cores that are busy have a load of 2. */
export function sessionText({ rounds, load }: { rounds: number; load?: Session["load"] }): string {
  const medians = `medians of ${rounds} rounds`;
  if (load === undefined) return medians;
  const [before, after] = load.map((value) => value.toFixed(1));
  return `${medians}, load of the machine ${before} before and ${after} after`;
}

export function valueText({ value, unit }: Figure): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  if (unit === "") return value === 1 ? "yes" : "no";
  const shown = value >= 1_000 ? Math.round(value).toLocaleString("en") : value.toFixed(digits);
  return `${shown} ${unit}`;
}

export function bound(figure: Figure): string {
  const { atLeast, atMost, unit } = figure;
  if (atLeast === undefined && atMost === undefined) return "";
  const kept = keepsBound(figure) ? "" : ", **not kept**";
  if (unit === "") return `yes${kept}`;
  const most = (atLeast ?? atMost ?? 0).toLocaleString("en");
  return `${atLeast === undefined ? "≤" : "≥"} ${most} ${unit}${kept}`;
}
