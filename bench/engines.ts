/** What does a log beyond one machine cost? No-op tasks with what they cost in processor time, one
 *  job alone, jobs of a million tasks, and the time after a leader is killed, with the log on this
 *  disk, in PostgreSQL, and in three NATS servers that sync each write, all on the same disk. */
import { tmpdir } from "node:os";
import { bundleJob } from "../src/sdk/bundle.ts";
import { type Client, connect } from "../src/sdk/client.ts";
import { planJob } from "../src/sdk/plan.ts";
import { submitJob } from "../src/sdk/submit.ts";
import { NatsServers, withoutNats } from "../test/engines/nats-servers.ts";
import { PostgresServer, withoutPostgres } from "../test/engines/postgres-server.ts";
import { startCluster } from "../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median } from "./case.ts";
import { failoverMs, restartMs } from "./engines/failover.ts";
import { quantile } from "./fairness/latency.ts";
import { treeOf } from "./memory.ts";
import { noOps } from "./no-ops.ts";
import { cpuMs } from "./processes.ts";

const manyCount = 50_000;
const quickManyCount = 5_000;
const largeCount = 1_000_000;
const submits = 200;
const warmUps = 3;
/** A leader that was killed is replaced within, ms. */
const failoverMaxMs = 5_000;

type Place = {
  /** Address of the log; null = on this disk. */
  readonly log: ((name: string) => string) | null;
  /** Processes of the engine. */
  readonly pids: () => readonly number[];
  close(): Promise<void>;
};

type Contestant = {
  readonly name: string;
  readonly without: string | false;
  readonly atLeast?: number;
  readonly open: () => Promise<Place>;
};

const contestants: readonly Contestant[] = [
  {
    name: "this disk",
    without: false,
    open: async () => ({ log: null, pids: () => [], close: async () => {} }),
  },
  {
    name: "PostgreSQL",
    without: withoutPostgres,
    atLeast: 30_000,
    async open() {
      const server = await PostgresServer.start(tmpdir());
      const log = (name: string) => server.url(name);
      return { log, pids: () => treeOf(server.pid), close: () => server.remove() };
    },
  },
  {
    name: "JetStream, 3 replicas, each write synced",
    without: withoutNats,
    atLeast: 10_000,
    async open() {
      const servers = await NatsServers.start(3, undefined, tmpdir());
      const log = (name: string) => servers.url(name);
      return { log, pids: () => servers.pids, close: () => servers.remove() };
    },
  },
];

export const engines: Case = {
  name: "engines",
  question: "No-op tasks on two workers, with the log on this disk and in engines",
  async run(options) {
    const figures: Figure[] = [];
    for (const contestant of contestants) {
      if (contestant.without !== false) options.say(`skipped: ${contestant.without}`);
      else figures.push(...(await measure(contestant, options)));
    }
    return figures;
  },
};

async function measure(contestant: Contestant, options: BenchOptions): Promise<Figure[]> {
  const place = await contestant.open();
  try {
    const cluster = await startCluster(2, place.log === null ? [] : ["--log", place.log("bench")]);
    const client = await connect({ url: cluster.url, token: cluster.adminToken() });
    const cost = () => ({
      coordinator: cpuMs(cluster.pid),
      engine: sumOf(place.pids().map(cpuMsOf)),
    });
    const figures: Figure[] = [];
    try {
      figures.push(...(await figuresOf(contestant, { client, cost }, options)));
    } finally {
      client.close();
      await cluster.stop();
    }
    return [...figures, await failoverFigure(contestant, place, options)];
  } finally {
    await place.close();
  }
}

type Measured = {
  readonly client: Client;
  /** Processor time so far, ms. */
  readonly cost: () => { readonly coordinator: number; readonly engine: number };
};

async function figuresOf(
  { atLeast, name }: Contestant,
  { client, cost }: Measured,
  { quick, rounds, say }: BenchOptions,
): Promise<Figure[]> {
  const run = await noOps(client);
  const count = quick ? quickManyCount : manyCount;
  for (let time = 0; time < warmUps; time += 1) await run(count);
  const before = cost();
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) rates.push(count / ((await run(count)) / 1_000));
  const after = cost();
  const usOf = (role: "coordinator" | "engine") =>
    ((after[role] - before[role]) * 1_000) / (count * rounds);
  const costs = `${usOf("coordinator").toFixed(1)} + ${usOf("engine").toFixed(1)} µs a task`;
  say(`${name}: ${Math.round(median(rates))} tasks a second, ${costs}`);
  const bar = { title: "Tasks a second by the place of the log", label: name, isOurs: true };
  const bound = atLeast === undefined ? {} : { atLeast };
  const times = await submitTimes(client, quick ? 20 : submits);
  const figures: Figure[] = [
    { name: `tasks a second: ${name}`, value: median(rates), unit: "tasks/s", ...bound, bar },
    { name: `coordinator's CPU a task: ${name}`, value: usOf("coordinator"), unit: "µs" },
    { name: `the engine's CPU a task: ${name}`, value: usOf("engine"), unit: "µs" },
    { name: `submit, p50: ${name}`, value: quantile(times, 0.5), unit: "ms" },
    { name: `submit, p99: ${name}`, value: quantile(times, 0.99), unit: "ms" },
  ];
  if (quick) return figures;
  const large = largeCount / ((await run(largeCount)) / 1_000);
  return [...figures, { name: `a job of 1,000,000 tasks: ${name}`, value: large, unit: "tasks/s" }];
}

async function failoverFigure(
  { name }: Contestant,
  { log }: Place,
  { quick, rounds, say }: BenchOptions,
): Promise<Figure> {
  const count = quick ? 1 : rounds;
  const times = log === null ? await restartMs(count) : await failoverMs(log("failover"), count);
  say(`${name}: answered ${Math.round(median(times))} ms after a kill -9`);
  const value = Math.max(...times);
  return { name: `after kill -9 of the leader: ${name}`, value, unit: "ms", atMost: failoverMaxMs };
}

/** 0 of one that ended since it was listed: PostgreSQL has some that come and go. */
function cpuMsOf(pid: number): number {
  try {
    return cpuMs(pid);
  } catch {
    return 0;
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Of jobs of one task: until the submission is acknowledged, so durable. */
async function submitTimes(client: Client, count: number): Promise<number[]> {
  const built = await bundleJob(new URL("jobs/no-op.ts", import.meta.url).pathname);
  const { host } = await client.health();
  const plan = await planJob(built.job, { inputs: [], params: { count: 1 }, host });
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now();
    await submitJob(client, built, plan, { name: "submit", key: null });
    times.push(performance.now() - startedMs);
  }
  return times;
}
