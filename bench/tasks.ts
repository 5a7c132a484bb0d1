/** How many tasks a second, and how long does one task alone take, from submitting to its
 *  result? */

import { connect } from "../src/sdk/client.ts";
import { startCluster } from "../test/fixtures/cluster.ts";
import {
  type BenchOptions,
  type Case,
  type Contestant,
  type Figure,
  median,
  takeTurns,
} from "./case.ts";
import { noOps } from "./no-ops.ts";
import { taskRivals } from "./rivals/tasks.ts";

const ours = "Tequio, two workers (every commit synced)";
const manyCount = 50_000;
const quickManyCount = 10_000;
/** Lone tasks of each contestant, in every round. */
const aloneCount = 30;
const warmUps = 3;
/** Of everyone, before rounds count: engines compile what has run some hundred times. */
const warmUpsAlone = 300;

export const tasks: Case = {
  name: "tasks",
  question: "No-op tasks on two workers, through the client, every acknowledgement durable",
  run,
};

/** A program that runs `count` tasks that do nothing, and reports how many ms that took. */
type Runner = {
  readonly name: string;
  readonly count: number;
  run(count: number): Promise<number>;
  stop(): Promise<void>;
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const runners: Runner[] = [];
  try {
    runners.push(await startOurs(options.quick ? quickManyCount : manyCount));
    if (!options.quick) await addRivals(runners, options);
    for (const runner of runners) {
      for (let time = 0; time < warmUps; time++) await runner.run(runner.count);
      for (let time = 0; time < warmUpsAlone; time++) await runner.run(1);
    }
    const many = await takeTurns(runners.map(asContestant), options);
    const alone = await takeTurns(runners.map(asLone), options);
    return figures(runners, many, alone);
  } finally {
    for (const runner of runners) await runner.stop();
  }
}

async function addRivals(runners: Runner[], { say }: BenchOptions): Promise<void> {
  for (const rival of taskRivals) {
    const missing = rival.missing();
    if (missing !== null) {
      say(`skipped: ${rival.name}: ${missing}; ${rival.install}`);
      continue;
    }
    say(`starting ${rival.name}`);
    const { name, count } = rival;
    const program = await rival.start();
    runners.push({ name, count, run: (tasks) => program.run(tasks), stop: () => program.stop() });
  }
}

function asContestant({ name, count, run }: Runner): Contestant {
  return { name, run: () => run(count) };
}

function asLone({ name, run }: Runner): Contestant {
  return {
    name: `${name}, one alone`,
    async run() {
      const times: number[] = [];
      for (let index = 0; index < aloneCount; index++) times.push(await run(1));
      return median(times);
    },
  };
}

type Medians = ReadonlyMap<string, number>;

function figures(runners: readonly Runner[], many: Medians, alone: Medians): Figure[] {
  const rateOf = ({ name, count }: Runner) => count / (many.get(name)! / 1000);
  const aloneOf = ({ name }: Runner) => alone.get(`${name}, one alone`)!;
  const [first, ...rivals] = runners as [Runner, ...Runner[]];
  const bar = (title: string, { name }: Runner) => {
    return { title, label: name, isOurs: name === ours };
  };
  const rates = (runner: Runner): Figure => ({
    name: runner === first ? "tasks a second" : `tasks a second: ${runner.name}`,
    value: rateOf(runner),
    unit: "tasks/s",
    bar: bar("No-op tasks a second (more is better)", runner),
  });
  const lone = (runner: Runner): Figure => ({
    name: runner === first ? "one task alone, p50" : `one task alone, p50: ${runner.name}`,
    value: aloneOf(runner),
    unit: "ms",
    bar: bar("One task alone, ms from submitting to its result (less is better)", runner),
  });
  const best = rivals.toSorted((a, b) => rateOf(b) - rateOf(a))[0];
  const ahead: Figure[] = [];
  if (best !== undefined) {
    const value = rateOf(first) / rateOf(best);
    ahead.push({ name: "ahead of the next, tasks a second", value, unit: "×", atLeast: 1 });
  }
  return [
    { ...rates(first), atLeast: 100_000 },
    ...rivals.map(rates),
    ...ahead,
    { ...lone(first), atMost: 2 },
    ...rivals.map(lone),
  ];
}

async function startOurs(count: number): Promise<Runner> {
  const cluster = await startCluster(2);
  const client = await connect({ url: cluster.url, token: cluster.adminToken() });
  const stop = async () => {
    client.close();
    await cluster.stop();
  };
  return { name: ours, count, run: await noOps(client), stop };
}
