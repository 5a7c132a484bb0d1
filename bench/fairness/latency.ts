/** How long does a small job wait beside a long sweep? Jobs of two tasks, one after the other,
 *  while a sweep of thousands keeps both workers busy: of another owner, and of the owner of the
 *  sweep; and, to compare, with nothing beside them. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { type Client, connect } from "../../src/sdk/client.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob, submitTasks } from "../../src/sdk/submit.ts";
import { type Cluster, startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Case, type Figure, median } from "../case.ts";

const sweepTasks = 5_000;
const jobCount = 100;
const quickJobs = 20;
/** Tasks of the sweep that have ended when the first job comes. */
const underWay = 50;
const pollMs = 20;
/** The promise: a new job's first attempt starts within so many ms. */
const firstMs = 1_000;

export const latency: Case = {
  name: "latency",
  question: "Jobs of two tasks beside a sweep of 5,000 tasks of 15 to 40 ms, on two workers",
  run,
};

/** From submission, ms. */
type Waited = { readonly first: number[]; readonly end: number[] };

const variants = [
  { name: "another owner", hasSweep: true, isOther: true },
  { name: "the same owner", hasSweep: true, isOther: false },
  { name: "no sweep", hasSweep: false, isOther: true },
] as const;

type Variant = (typeof variants)[number];

async function run(options: BenchOptions): Promise<Figure[]> {
  const cluster = await startCluster(2);
  const clients: Client[] = [];
  try {
    const submitters = await prepare(cluster, clients);
    const rounds = new Map<Variant, Waited[]>(variants.map((variant) => [variant, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (const variant of variants) {
        const waited = await measure(submitters, variant, options.quick ? quickJobs : jobCount);
        rounds.get(variant)!.push(waited);
        const [first, end] = [quantile(waited.first, 0.99), quantile(waited.end, 0.99)];
        const times = `${first.toFixed(0)} ms to the first attempt, ${end.toFixed(0)} to the end`;
        options.say(`round ${round + 1} of ${options.rounds}: ${variant.name}: p99 ${times}`);
      }
    }
    return variants.flatMap((variant) => figuresOf(variant, rounds.get(variant)!));
  } finally {
    for (const client of clients) client.close();
    await cluster.stop();
  }
}

type Submitters = {
  /** Owner of the sweep. */
  readonly ann: Client;
  readonly bob: Client;
  /** The id of a sweep, once it is durable. */
  sweep(): Promise<string>;
  /** Runs a job of two tasks; when they began, ms since the epoch. */
  two(client: Client): Promise<number[]>;
};

async function prepare(cluster: Cluster, clients: Client[]): Promise<Submitters> {
  const { url } = cluster;
  const ann = await connect({ url, token: cluster.adminToken() });
  clients.push(ann);
  const terms = { role: "submitter", owner: "bob", ttlMs: 86_400_000, usesMax: 0 } as const;
  const bob = await connect({ url, token: (await ann.createToken(terms)).token });
  clients.push(bob);
  const { host } = await ann.health();
  const planned = async (file: string, params: Record<string, number>) => {
    const built = await bundleJob(join(import.meta.dirname, "..", "jobs", file));
    const plan: Planned = await planJob(built.job, { inputs: [], params, host });
    return { built, plan };
  };
  const [many, few] = [
    await planned("sweep.ts", { count: sweepTasks }),
    await planned("when.ts", {}),
  ];
  const sweep = () => submitJob(ann, many.built, many.plan, { name: "sweep" });
  const two = async (client: Client) => {
    const { results } = await submitTasks(client, few.built, few.plan, { name: "when" });
    const began: number[] = [];
    for await (const result of results) began.push(result as number);
    if (began.length !== 2) throw new Error(`${began.length} results of two tasks`);
    return began;
  };
  // Code of both jobs has been loaded, and much of ours compiled, before anything counts.
  for (let time = 0; time < 20; time++) for (const client of clients) await two(client);
  return { ann, bob, sweep, two };
}

async function measure(
  { ann, bob, sweep, two }: Submitters,
  { hasSweep, isOther }: Variant,
  jobs: number,
): Promise<Waited> {
  const long = hasSweep ? await sweep() : null;
  const done = async () => (long === null ? 0 : (await ann.job(long)).stages[0]!.done);
  while (long !== null && (await done()) < underWay) await delay(pollMs);
  const waited: Waited = { first: [], end: [] };
  for (let count = 0; count < jobs; count++) {
    const [submittedAtMs, startedMs] = [Date.now(), performance.now()];
    const began = await two(isOther ? bob : ann);
    waited.end.push(performance.now() - startedMs);
    waited.first.push(Math.max(0, Math.min(...began) - submittedAtMs));
  }
  if (long === null) return waited;
  if ((await done()) === sweepTasks) throw new Error("the sweep was over before the last job");
  await ann.cancel(long);
  return waited;
}

/** Median over the rounds; the longest is that of all rounds. */
function figuresOf({ name, hasSweep }: Variant, rounds: readonly Waited[]): Figure[] {
  const beside = hasSweep ? `beside a sweep of ${name}` : "with no sweep";
  const over = (times: (waited: Waited) => number[], share: number) => {
    return median(rounds.map((waited) => quantile(times(waited), share)));
  };
  const bound = hasSweep ? { atMost: firstMs } : {};
  const first = (waited: Waited) => waited.first;
  const end = (waited: Waited) => waited.end;
  const longest = Math.max(...rounds.flatMap(first));
  const ms = { unit: "ms" } as const;
  return [
    { name: `${beside}: to the first attempt, p50`, value: over(first, 0.5), ...ms },
    { name: `${beside}: to the first attempt, p99`, value: over(first, 0.99), ...ms, ...bound },
    { name: `${beside}: to the first attempt, longest`, value: longest, ...ms, ...bound },
    { name: `${beside}: to the end, p50`, value: over(end, 0.5), ...ms },
    { name: `${beside}: to the end, p99`, value: over(end, 0.99), ...ms },
  ];
}

/** The value that so large a share of the others do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}
