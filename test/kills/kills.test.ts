/** kill -9 of coordinator and workers at random points of real jobs: the output is the judge's,
 *  every time. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../src/core/random.ts";
import { hostId } from "../../src/link/host.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { collect, saveResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { patiently } from "../failpoints/jobs.ts";
import { Cluster } from "../fixtures/cluster.ts";
import { depth } from "../fixtures/depth.ts";
import { noPython } from "../python/cluster.ts";

const seed = Number(process.env.KILL_SEED ?? 1);
const killsMin = Number(process.env.KILL_COUNT ?? depth(100, 25));
/** Side by side: one has work to do while another waits for a lease to end. */
const clusterCount = 2;
const workersEach = 4;
/** Then the job may end: with all workers killed every second it would make no progress. */
const killsPerJobMax = 25;
const jobEndMaxMs = waitMaxMs;

/** Work that lasts long enough to be hit, and whose every byte depends on the input. */
const wordCount = `import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  reducers: 3,
  map(line: string, emit: Emit<string, number>) {
    let spin = 0;
    for (let n = 0; n < 20_000; n++) spin = (spin * 31 + n) % 1_000_003;
    for (const word of line.split(" ")) emit(word, spin >= 0 ? 1 : 0);
  },
  combine: (a, b) => a + b,
});
`;
const list = `import { tasks } from "tequio";
export default tasks({
  items: () => Array.from({ length: 400 }, (_, n) => n),
  run(n: number) {
    let spin = n;
    for (let k = 0; k < 300_000; k++) spin = (spin * 31 + k) % 1_000_003;
    return { n, spin };
  },
});
`;

/** The same in Python, whose task processes, tables and runs are others. */
const pythonWordCount = `import time
from tequio import map_reduce
def map(line, emit):
    time.sleep(0.0005)
    emit.each(line.split(), 1)
job = map_reduce(reducers=3, map=map, combine=lambda a, b: a + b)
`;

type Where = { readonly out: string; readonly signal: AbortSignal };
type Case = { readonly built: BuiltJob; readonly planned: Planned; readonly expected: string };

async function prepare(dir: string, name: string, source: string): Promise<Case> {
  const file = join(dir, name);
  writeFileSync(file, source);
  const built = await bundleJob(file);
  const inputs = built.job.kind === "tasks" ? [] : [join(dir, "input.txt")];
  const planned = await planJob(built.job, {
    inputs,
    params: {},
    splitBytes: 16_384,
    host: hostId(),
  });
  const { result } = await runLocal(built.job, planned);
  const out = join(dir, `${name}-judge`);
  await saveResult(result, { kind: "folder", path: out });
  return { built, planned, expected: folderText(out) };
}

function folderText(dir: string): string {
  const names = readdirSync(dir).sort();
  return names.map((name) => `== ${name}\n${readFileSync(join(dir, name), "utf8")}`).join("");
}

function writeInput(path: string, random: Random): void {
  const lines: string[] = [];
  for (let n = 0; n < 6_000; n++) {
    const words = Array.from({ length: 12 }, () => `w${random.below(random.below(3_000) + 1)}`);
    lines.push(words.join(" "));
  }
  writeFileSync(path, `${lines.join("\n")}\n`);
}

async function runOnce(client: Client, one: Case, to: Where): Promise<string> {
  const { out } = to;
  // The coordinator may be down at any of these calls; the key makes it one submission.
  const name = `kills-${basename(out)}`;
  const job = await patiently(() => submitJob(client, one.built, one.planned, { name, key: name }));
  const signal = AbortSignal.any([AbortSignal.timeout(jobEndMaxMs), to.signal]);
  let last = null;
  for await (const summary of client.watch(job as never, { signal })) last = summary;
  assert.equal(last?.state, "done", JSON.stringify(last?.failure ?? last));
  const summary = last;
  await patiently(() => collect(client, summary, { kind: "folder", path: out }));
  return folderText(out);
}

type Kills = { coordinator: number; worker: number };

/** Kills until it is stopped, often several processes at one moment; the coordinator is started
 *  again, `up` replaces workers. */
async function killAtRandom(cluster: Cluster, random: Random, kills: Kills, goOn: () => boolean) {
  while (goOn()) {
    await delay(50 + random.below(400));
    const pids = cluster.workerPids();
    const takesCoordinator = random.chance(0.4) || pids.length === 0;
    const dying = takesCoordinator ? cluster.killCoordinator() : null;
    if (takesCoordinator) kills.coordinator++;
    // Some neighbours in the list, cyclically: none to all with the coordinator, else at least one.
    const count = takesCoordinator ? random.below(pids.length + 1) : 1 + random.below(pids.length);
    const first = random.below(Math.max(1, pids.length));
    for (const pid of [...pids, ...pids].slice(first, first + count)) {
      if (cluster.killWorker(pid)) kills.worker++;
    }
    if (dying === null) continue;
    await dying;
    await delay(random.below(100));
    await cluster.start();
  }
}

type Place = {
  readonly t: TestContext;
  readonly dir: string;
  readonly cases: readonly Case[];
  /** Another cluster has failed. */
  readonly signal: AbortSignal;
};

/** One cluster, until it has had its share of the kills. */
async function harass({ cases, dir, signal, t }: Place, clusterSeed: number, share: number) {
  const random = new Random(clusterSeed);
  const cluster = new Cluster({ workers: workersEach, options: ["--lease", "3s"] });
  t.after(() => cluster.stop());
  await cluster.start();
  const kills: Kills = { coordinator: 0, worker: 0 };
  const killed = () => kills.coordinator + kills.worker;
  let jobs = 0;
  while (killed() < share && !signal.aborted) {
    let busy = true;
    const most = Math.min(share, killed() + killsPerJobMax);
    const killer = killAtRandom(cluster, random, kills, () => busy && killed() < most);
    const one = cases[(jobs + clusterSeed) % cases.length] as Case;
    const client = cluster.client();
    try {
      const out = join(dir, `out-${clusterSeed}-${jobs}`);
      const text = await runOnce(client, one, { out, signal });
      assert.equal(
        text === one.expected,
        true,
        `job ${jobs} of seed ${clusterSeed} is the judge's`,
      );
    } finally {
      busy = false;
      await killer;
      client.close();
    }
    jobs++;
  }
  const { coordinator, worker } = kills;
  t.diagnostic(`${coordinator} coordinators, ${worker} workers, ${jobs} jobs, seed ${clusterSeed}`);
  return killed();
}

test(`C1, C2, W1: ${killsMin} kills -9 of coordinators and workers lose nothing`, async (t) => {
  const dir = temporaryDir(t, "tequio-kills-jobs-");
  t.diagnostic(`KILL_SEED=${seed} KILL_COUNT=${killsMin} makes the same choices again`);
  writeInput(join(dir, "input.txt"), new Random(seed));
  const cases = [
    await prepare(dir, "words.ts", wordCount),
    await prepare(dir, "list.ts", list),
    ...(noPython === false ? [await prepare(dir, "counted.py", pythonWordCount)] : []),
  ];
  if (noPython !== false) t.diagnostic(`without jobs in Python: ${noPython}`);
  const share = Math.ceil(killsMin / clusterCount);
  const failed = new AbortController();
  const { signal } = failed;
  const runs = Array.from({ length: clusterCount }, (_, index) =>
    harass({ t, dir, cases, signal }, seed * clusterCount + index, share).catch((error) => {
      failed.abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(runs);
  // The first failure, not what it has ended.
  if (signal.aborted) throw signal.reason;
  const counts = await Promise.all(runs);
  const killed = counts.reduce((sum, count) => sum + count, 0);
  assert.ok(killed >= killsMin, `${killed} kills`);
});
