/** A cluster on a small disk under a steady stream of jobs and kills: every result is the judge's,
 *  nothing stalls, and memory stays flat. */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { residentOf } from "../../bench/memory.ts";
import { Random } from "../../src/core/random.ts";
import { hostId } from "../../src/link/host.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { type JobResult, jobResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { diskSpace } from "../../src/store/disk-space.ts";
import { mountSmallDisk } from "../conformance/tmpfs.ts";
import { patiently } from "../failpoints/jobs.ts";
import { Cluster } from "../fixtures/cluster.ts";

export type SoakOptions = {
  /** An empty folder for the disk and the job. */
  readonly place: string;
  readonly durationMs: number;
  readonly diskMebi: number;
  readonly jobEveryMs: number;
  /** Of each job's result, about; default 3, of 1 to 30. */
  readonly resultMebi?: number;
  readonly killEveryMs: number;
  readonly seed: number;
  readonly say: (line: string) => void;
};

export type SoakReport = {
  readonly jobs: number;
  /** Results that are not the judge's, and jobs that failed. */
  readonly wrong: readonly string[];
  readonly kills: number;
  readonly removedJobs: number;
  /** From the submission to the whole result, the longest, in ms. */
  readonly slowestMs: number;
  readonly freeBytesMin: number;
  /** Resident bytes of the coordinator: the largest of the first and of the last third. */
  readonly residentBytes: { readonly first: number; readonly last: number };
};

/** Each job has a result that no other has: a hundred words, each made long. */
const sourceOf = (resultMebi: number): string => `import { type Emit, mapReduce } from "tequio";
export default mapReduce({
  params: { seed: "0" },
  reducers: 2,
  map(line: string, emit: Emit<string, number>, { params }) {
    for (const word of line.split(" ")) emit(params.seed + "/" + word, 1);
  },
  reduce: (key: string, counts: Iterable<number>) => {
    let sum = 0;
    for (const count of counts) sum += count;
    return key.repeat(Math.ceil(${resultMebi * 10_000} / key.length)) + sum;
  },
});
`;

/** Far longer than any lease and any start, also on a busy machine: a job that takes this long has
 *  stalled. */
const stalledMs = 240_000;
/** Jobs that end between two kills, at least, so that a slow machine makes progress, too. */
const jobsBetweenKills = 3;
const runningMax = 8;

/** Returns why it cannot run here. */
export async function soak(options: SoakOptions): Promise<SoakReport | { readonly skip: string }> {
  const small = join(options.place, "small");
  mkdirSync(small);
  const disk = mountSmallDisk(small, `${options.diskMebi}m`);
  if ("skip" in disk) return disk;
  const cluster = new Cluster({ workers: 2, options: ["--lease", "3s"], below: small });
  try {
    await cluster.start();
    return await new Soak(options, cluster, small).run();
  } finally {
    await cluster.stop();
    disk.unmount();
  }
}

class Soak {
  readonly #options: SoakOptions;
  readonly #cluster: Cluster;
  readonly #small: string;
  readonly #random: Random;
  readonly #client: Client;
  readonly #resident: number[] = [];
  readonly #wrong: string[] = [];
  #done = 0;
  #kills = 0;
  #slowestMs = 0;
  #freeBytesMin = Number.POSITIVE_INFINITY;

  constructor(options: SoakOptions, cluster: Cluster, small: string) {
    this.#options = options;
    this.#cluster = cluster;
    this.#small = small;
    this.#random = new Random(options.seed);
    this.#client = cluster.client();
  }

  async run(): Promise<SoakReport> {
    const { durationMs, jobEveryMs, place, resultMebi = 3 } = this.#options;
    writeFileSync(join(place, "job.ts"), sourceOf(resultMebi));
    const words = Array.from({ length: 100 }, (_, n) => `word${n}`).join(" ");
    writeFileSync(join(place, "in.txt"), `${words}\n`);
    const built = await bundleJob(join(place, "job.ts"));
    const endAtMs = performance.now() + durationMs;
    const goOn = () => performance.now() < endAtMs;
    const killing = this.#killNowAndThen(goOn);
    const running = new Set<Promise<void>>();
    for (let n = 0; goOn(); n++) {
      const one = this.#job(built, `${n}`).finally(() => running.delete(one));
      running.add(one);
      this.#look();
      const nextMs = delay(jobEveryMs);
      if (running.size >= runningMax) await Promise.race(running);
      await nextMs;
    }
    await Promise.all(running);
    await killing;
    return this.#report();
  }

  async #job(built: BuiltJob, seed: string): Promise<void> {
    const startedMs = performance.now();
    try {
      const inputs = [join(this.#options.place, "in.txt")];
      const planned = await planJob(built.job, { inputs, params: { seed }, host: hostId() });
      const key = `soak-${seed}`;
      const job = await patiently(() =>
        submitJob(this.#client, built, planned, { name: "soak", key }),
      );
      const signal = AbortSignal.timeout(stalledMs);
      let last = null;
      for await (const summary of this.#client.watch(job, { signal })) last = summary;
      if (last?.state !== "done") throw new Error(`${job} ended as ${JSON.stringify(last)}`);
      const ended = last;
      const got = await patiently(async () => digest(await jobResult(this.#client, ended)));
      await this.#client.fetched(job);
      const { result } = await runLocal(built.job, planned);
      if (got !== (await digest(result))) throw new Error(`${job} is not the judge's`);
    } catch (error) {
      this.#wrong.push(`job ${seed}: ${(error as Error).message}`);
    }
    this.#done += 1;
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedMs);
    if (this.#done % 60 === 0) this.#options.say(this.#line());
  }

  async #killNowAndThen(goOn: () => boolean): Promise<void> {
    const { killEveryMs, say } = this.#options;
    let nextMs = performance.now() + killEveryMs;
    let nextDone = jobsBetweenKills;
    while (goOn()) {
      await delay(100);
      if (performance.now() < nextMs || this.#done < nextDone) continue;
      this.#kills += 1;
      await this.#kill(say);
      nextMs = performance.now() + killEveryMs;
      nextDone = this.#done + jobsBetweenKills;
    }
  }

  /** A worker in one of three cases, else the coordinator. */
  async #kill(say: (line: string) => void): Promise<void> {
    const pids = this.#cluster.workerPids();
    if (this.#random.below(3) === 0 && pids.length > 0) {
      this.#cluster.killWorker(pids[this.#random.below(pids.length)] as number);
      return;
    }
    await this.#cluster.killCoordinator();
    const startedMs = performance.now();
    await this.#cluster.start();
    say(`the coordinator is back after ${Math.round(performance.now() - startedMs)} ms`);
  }

  #look(): void {
    this.#freeBytesMin = Math.min(this.#freeBytesMin, diskSpace(this.#small).freeBytes);
    const { pid } = this.#cluster;
    const bytes = pid === 0 ? 0 : residentOf(pid);
    if (bytes > 0) this.#resident.push(bytes);
  }

  #line(): string {
    const mebi = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
    const memory = mebi(this.#resident.at(-1) ?? 0);
    const free = `${mebi(this.#freeBytesMin)} free at least`;
    return `${this.#done} jobs, ${this.#kills} kills, ${free}, coordinator ${memory}`;
  }

  async #report(): Promise<SoakReport> {
    const { removed } = await patiently(() => this.#client.jobList());
    this.#client.close();
    const third = Math.max(1, Math.floor(this.#resident.length / 3));
    return {
      jobs: this.#done,
      wrong: this.#wrong,
      kills: this.#kills,
      removedJobs: removed.reduce((sum, { count }) => sum + count, 0),
      slowestMs: this.#slowestMs,
      freeBytesMin: this.#freeBytesMin,
      residentBytes: {
        first: Math.max(...this.#resident.slice(0, third)),
        last: Math.max(...this.#resident.slice(-third)),
      },
    };
  }
}

async function digest({ parts }: JobResult): Promise<string> {
  const hash = createHash("sha256");
  for (const part of parts) for await (const chunk of part.read()) hash.update(chunk);
  return hash.digest("hex");
}
