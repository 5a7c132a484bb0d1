/** Are questions to tables answered as fast as by a database that is made for them? */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cli, startCluster } from "../../test/fixtures/cluster.ts";
import {
  type BenchOptions,
  type Case,
  type Contestant,
  type Figure,
  median,
  type Times,
  takeTurns,
} from "../case.ts";
import { watchMemory } from "../memory.ts";
import { installRivals } from "../rivals/install.ts";
import { timed, watchCpu } from "../sort/cpu.ts";
import { answerOf, sortedAnswerOf } from "./answers.ts";
import { tableFile } from "./files.ts";
import { type Question, questions } from "./questions.ts";

const fullBytes = 256 << 20;
const quickBytes = 8 << 20;

export const tables: Case = {
  name: "tables",
  question: "Questions to CSV, NDJSON and logs: two workers against DuckDB with two threads",
  run,
};

/** What the rounds of a contestant took besides time. */
type Took = { cpu: number[]; peakBytes: number };

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizes = options.gib?.map((gib) => gib * (1 << 30)) ?? [
    options.quick ? quickBytes : fullBytes,
  ];
  const why = installRivals(options.say);
  if (why !== null) options.say(`without DuckDB: ${why}`);
  const directory = newFolder("tequio-bench-");
  const cluster = await startCluster(2);
  const figures: Figure[] = [];
  try {
    for (const sizeBytes of sizes) {
      for (const question of questions) {
        options.say(`${question.text}, ${sizeBytes >> 20} MiB`);
        const input = tableFile(question.table, sizeBytes);
        const asked = { question, input, directory, cluster, hasRival: why === null };
        figures.push(...(await ask(asked, options)));
      }
    }
    return figures;
  } finally {
    await cluster.stop();
    removeFolder(directory);
  }
}

type Asked = {
  readonly question: Question;
  readonly input: string;
  readonly directory: string;
  readonly cluster: { readonly pid: number; readonly dataDir: string };
  readonly hasRival: boolean;
};

async function ask(asked: Asked, options: BenchOptions): Promise<Figure[]> {
  const { question, input, directory, cluster, hasRival } = asked;
  const out = join(directory, `${question.name}-ours`);
  const rivalOut = join(directory, `${question.name}-duckdb`);
  const ours: Took = { cpu: [], peakBytes: 0 };
  const theirs: Took = { cpu: [], peakBytes: 0 };
  const onCluster = async () => {
    rmSync(out, { recursive: true, force: true });
    const job = join(import.meta.dirname, "../jobs/tables", `${question.name}.ts`);
    const watch = watchMemory(cluster.pid);
    const cpu = watchCpu(cluster.pid);
    const target = ["--data", cluster.dataDir, "--json"];
    const ran = await timed([process.execPath, cli, "run", job, input, "-o", out, ...target]);
    ours.cpu.push(cpu.seconds() + ran.cpuSeconds);
    cpu.stop();
    ours.peakBytes = Math.max(ours.peakBytes, watch.stop());
  };
  const duckdb = async () => {
    rmSync(rivalOut, { force: true });
    let watch = { stop: () => 0 };
    const script = join(import.meta.dirname, "../rivals/table-duckdb.mjs");
    const format = question.sortedBy === undefined ? "json" : "csv";
    const args = [question.table, input, rivalOut, format, question.sql];
    const ran = await timed([process.execPath, script, ...args], (pid) => {
      watch = watchMemory(pid);
    });
    theirs.cpu.push(ran.cpuSeconds);
    theirs.peakBytes = Math.max(theirs.peakBytes, watch.stop());
  };
  const rivals: Contestant[] = hasRival ? [{ name: "DuckDB", run: duckdb, isRival: true }] : [];
  const times = await takeTurns([{ name: "Tequio", run: onCluster }, ...rivals], options);
  const isEqual = !hasRival || (await isSame(question, out, rivalOut));
  return figuresOf(asked, { ours, theirs, isEqual, times });
}

async function isSame({ sortedBy }: Question, ours: string, theirs: string): Promise<boolean> {
  const of = (path: string) =>
    sortedBy === undefined ? answerOf(path) : sortedAnswerOf(path, sortedBy);
  const [a, b] = [await of(ours), await of(theirs)];
  return a.rows === b.rows && a.hash === b.hash;
}

type Measured = {
  readonly ours: Took;
  readonly theirs: Took;
  readonly isEqual: boolean;
  readonly times: Times;
};

/** Resident memory of coordinator and workers: so many times the rival's, or so much. */
const memoryBounds = { times: 1.5, bytes: 1e9 } as const;

function figuresOf({ question, input }: Asked, { ours, theirs, isEqual, times }: Measured) {
  const size = `${Math.round(statSync(input).size / 2 ** 20)} MiB`;
  const name = `${question.text}, ${size}`;
  const title = `${size}: seconds (less is better)`;
  const bar = (label: string, isOurs: boolean) => ({
    title,
    label: `${label}, ${question.name}`,
    isOurs,
  });
  const oursMs = times.get("Tequio")!;
  const figures: Figure[] = [
    { name: `${name}: Tequio`, value: oursMs / 1000, unit: "s", bar: bar("Tequio", true) },
    { name: `${name}: CPU of Tequio`, value: median(ours.cpu), unit: "s" },
    { name: `${name}: memory of Tequio`, value: ours.peakBytes / 1e9, unit: "GB" },
  ];
  const rivalMs = times.get("DuckDB");
  if (rivalMs === undefined) return figures;
  const rounds = times.roundsOf("DuckDB");
  const { atLeast } = question;
  const memory = Math.max(memoryBounds.times * theirs.peakBytes, memoryBounds.bytes);
  figures.push(
    { name: `${name}: as fast as DuckDB`, value: rivalMs / oursMs, unit: "×", atLeast, ...rounds },
    { name: `${name}: DuckDB`, value: rivalMs / 1000, unit: "s", bar: bar("DuckDB", false) },
    { name: `${name}: CPU of DuckDB`, value: median(theirs.cpu), unit: "s" },
    { name: `${name}: memory of DuckDB`, value: theirs.peakBytes / 1e9, unit: "GB" },
    {
      name: `${name}: memory, of what it may be`,
      value: ours.peakBytes / memory,
      unit: "×",
      atMost: 1,
    },
    { name: `${name}: result equal to DuckDB's`, value: isEqual ? 1 : 0, unit: "", atLeast: 1 },
  );
  return figures;
}
