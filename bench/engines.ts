/** What does a log beyond one machine cost? No-op tasks, one job alone and jobs of a million tasks
 *  with the log on this disk, in PostgreSQL, and in three NATS servers that sync
 *  each write, all on the same disk. */
import { tmpdir } from "node:os";
import { bundleJob } from "../src/sdk/bundle.ts";
import { type Client, connect } from "../src/sdk/client.ts";
import { planJob } from "../src/sdk/plan.ts";
import { submitJob } from "../src/sdk/submit.ts";
import { NatsServers, withoutNats } from "../test/engines/nats-servers.ts";
import { PostgresServer, withoutPostgres } from "../test/engines/postgres-server.ts";
import { startCluster } from "../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median } from "./case.ts";
import { quantile } from "./fairness/latency.ts";
import { noOps } from "./no-ops.ts";

const manyCount = 50_000;
const quickManyCount = 5_000;
const largeCount = 1_000_000;
const submits = 200;
const warmUps = 3;

type Contestant = {
  readonly name: string;
  readonly without: string | false;
  readonly atLeast?: number;
  /** Arguments of `tequio up`. */
  readonly open: () => Promise<{ readonly args: readonly string[]; close(): Promise<void> }>;
};

const contestants: readonly Contestant[] = [
  { name: "this disk", without: false, open: async () => ({ args: [], close: async () => {} }) },
  {
    name: "PostgreSQL",
    without: withoutPostgres,
    atLeast: 30_000,
    async open() {
      const server = await PostgresServer.start(tmpdir());
      return { args: ["--log", server.url("bench")], close: () => server.remove() };
    },
  },
  {
    name: "JetStream, 3 replicas, each write synced",
    without: withoutNats,
    atLeast: 10_000,
    async open() {
      const servers = await NatsServers.start(3, undefined, tmpdir());
      return { args: ["--log", servers.url("bench")], close: () => servers.remove() };
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
  const engine = await contestant.open();
  try {
    const cluster = await startCluster(2, engine.args);
    const client = await connect({ url: cluster.url, token: cluster.adminToken() });
    try {
      return await figuresOf(contestant, client, options);
    } finally {
      client.close();
      await cluster.stop();
    }
  } finally {
    await engine.close();
  }
}

async function figuresOf(
  { atLeast, name }: Contestant,
  client: Client,
  { quick, rounds, say }: BenchOptions,
): Promise<Figure[]> {
  const run = await noOps(client);
  const count = quick ? quickManyCount : manyCount;
  for (let time = 0; time < warmUps; time += 1) await run(count);
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) rates.push(count / ((await run(count)) / 1_000));
  say(`${name}: ${Math.round(median(rates))} tasks a second`);
  const bar = { title: "Tasks a second by the place of the log", label: name };
  const bound = atLeast === undefined ? {} : { atLeast };
  const times = await submitTimes(client, quick ? 20 : submits);
  const figures: Figure[] = [
    {
      name: `tasks a second: ${name}`,
      value: median(rates),
      unit: "tasks/s",
      ...bound,
      bar: { ...bar, isOurs: true },
    },
    { name: `submit, p50: ${name}`, value: quantile(times, 0.5), unit: "ms" },
    { name: `submit, p99: ${name}`, value: quantile(times, 0.99), unit: "ms" },
  ];
  if (quick) return figures;
  const large = largeCount / ((await run(largeCount)) / 1_000);
  return [...figures, { name: `a job of 1,000,000 tasks: ${name}`, value: large, unit: "tasks/s" }];
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
