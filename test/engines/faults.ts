/** Random faults of coordinators and engines under running jobs: what was acknowledged must be
 *  there and right, each result once, and calls answered again soon. */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Random } from "../../src/core/random.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { newFolder } from "../../src/store/testing/at-end.ts";
import { Network } from "./network.ts";
import { type Node, Pair } from "./nodes.ts";

/** A real engine, and how it fails. */
export type Engine = {
  readonly name: string;
  /** Ports that coordinators dial. */
  readonly ports: readonly number[];
  /** Address of a log by way of other ports. */
  readonly log: (ports: readonly number[]) => string;
  /** kill -9 of what serves the log, and its restart. */
  readonly crash: () => Promise<void>;
};

export type FaultsOptions = {
  readonly engine: Engine;
  readonly count: number;
  readonly seed: number;
  readonly print: (line: string) => void;
};

export type FaultsReport = {
  readonly faults: number;
  readonly jobs: number;
  /** Longest time until a call was answered after a fault of a coordinator alone, ms. */
  readonly leaderMaxMs: number;
  readonly engineMaxMs: number;
};

const taskCount = 40;
const leaseMs = 1_000;
const kinds = ["kill", "stop", "partition", "engine", "both"] as const;
const source = `import { tasks } from "tequio";
export default tasks({
  params: { base: 0 },
  items: ({ base }) => Array.from({ length: ${taskCount} }, (_, n) => base + n),
  run: (n: number) => n * 3,
});
`;

export async function runFaults(options: FaultsOptions): Promise<FaultsReport> {
  const run = new Faults(options, newFolder("engine-faults-"));
  try {
    return await run.run();
  } finally {
    await run.end();
  }
}

class Faults {
  readonly #options: FaultsOptions;
  readonly #dir: string;
  readonly #random: Random;
  readonly #networks: Network[] = [];
  readonly #jobs = new Map<string, number>();
  #pair: Pair | null = null;
  #nodes: [Node, Node] | null = null;
  #isOver = false;

  constructor(options: FaultsOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<FaultsReport> {
    const { count, engine, print } = this.#options;
    for (let which = 0; which < 2; which += 1) this.#networks.push(await Network.to(engine.ports));
    const logs = this.#networks.map(({ ports }) => engine.log(ports));
    const pair = await Pair.of({ log: "", logs: [logs[0]!, logs[1]!], dir: this.#dir });
    this.#pair = pair;
    const first = pair.start(0);
    await first.leads();
    const second = pair.start(1);
    await second.standsBy();
    this.#nodes = [first, second];
    const client = pair.client();
    for (const name of ["w0", "w1"]) await pair.join(name, client);
    const submitting = this.#submit(client);
    const worst = { leader: 0, engine: 0 };
    for (let done = 1; done <= count; done += 1) {
      const kind = kinds[this.#random.below(kinds.length)]!;
      const tookMs = await this.#fault(kind, client);
      const isEngine = kind === "engine" || kind === "both";
      worst[isEngine ? "engine" : "leader"] = Math.max(
        worst[isEngine ? "engine" : "leader"],
        tookMs,
      );
      print(`${done} of ${count}: ${kind}, answered after ${Math.round(tookMs)} ms`);
    }
    this.#isOver = true;
    await submitting;
    await this.#judge(client);
    const { engine: engineMaxMs, leader: leaderMaxMs } = worst;
    return { faults: count, jobs: this.#jobs.size, leaderMaxMs, engineMaxMs };
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#pair?.end();
    for (const network of this.#networks) network.close();
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Jobs one after the other; each is noted once it is acknowledged. */
  async #submit(client: Client): Promise<void> {
    const file = join(this.#dir, "job.ts");
    writeFileSync(file, source);
    const built = await bundleJob(file);
    for (let base = 0; !this.#isOver; base += taskCount) {
      const params = { base: String(base) };
      const planned = await planJob(built.job, { inputs: [], params, host: "" });
      try {
        const job = await submitJob(client, built, planned, { name: "one", key: `k${base}` });
        this.#jobs.set(job, base);
      } catch (error) {
        this.#options.print(`not acknowledged: ${(error as Error).message}`);
      }
      await delay(200);
    }
  }

  /** Resolves, once both nodes are well again, with the time until a call was answered. */
  async #fault(kind: (typeof kinds)[number], client: Client): Promise<number> {
    const nodes = this.#nodes!;
    const leading = client.url === this.#pair!.urls[0] ? 0 : 1;
    const beganMs = performance.now();
    const node = nodes[leading];
    if (kind === "kill" || kind === "both") await node.end();
    if (kind === "stop") node.signal("SIGSTOP");
    if (kind === "partition") this.#networks[leading]!.cut();
    const crashed = kind === "engine" || kind === "both" ? this.#options.engine.crash() : null;
    await answered(client);
    const tookMs = performance.now() - beganMs;
    await crashed;
    await delay(this.#random.below(leaseMs * 2));
    if (kind === "stop") node.signal("SIGCONT");
    if (kind === "partition") this.#networks[leading]!.heal();
    if (kind === "kill" || kind === "both") nodes[leading] = this.#pair!.start(leading as 0 | 1);
    // The one that does not lead follows again.
    const other = nodes[client.url === this.#pair!.urls[0] ? 1 : 0];
    if (kind !== "engine") await other.standsBy();
    return tookMs;
  }

  async #judge(client: Client): Promise<void> {
    const known = new Set((await client.jobs()).map(({ job }) => job as string));
    for (const [job, base] of this.#jobs) {
      assert.ok(known.has(job), `${job} was acknowledged, and is gone`);
      const results: number[] = [];
      for await (const [index, result] of client.committedResults(job, { patienceMs: 120_000 })) {
        assert.equal(results[index], undefined, `task ${index} of ${job} was committed twice`);
        results[index] = result as number;
      }
      const expected = Array.from({ length: taskCount }, (_, n) => (base + n) * 3);
      assert.deepEqual(results, expected, job);
      const { stages, state } = await client.job(job);
      assert.deepEqual([state, stages[0]?.done], ["done", taskCount]);
    }
  }
}

/** The next call that is answered. */
async function answered(client: Client): Promise<void> {
  for (;;) {
    try {
      await client.jobs();
      return;
    } catch {
      await delay(50);
    }
  }
}
