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
import { testMaxMs, waitMaxMs } from "../../src/store/testing/patience.ts";
import { Network } from "./network.ts";
import { type Node, Pair, until } from "./nodes.ts";

/** A real engine, and how it fails. */
export type Engine = {
  readonly name: string;
  /** Ports that coordinators dial. */
  readonly ports: readonly number[];
  /** Address of a log by way of other ports. */
  readonly log: (ports: readonly number[]) => string;
  /** kill -9 of what serves the log, and its restart. */
  readonly crash: () => Promise<void>;
  /** The same of all servers at the same time. */
  readonly crashAll: () => Promise<void>;
  /** Whether what serves the log has a leader, after an earlier crash. */
  readonly isWell: () => Promise<boolean>;
};

export type FaultsOptions = {
  readonly engine: Engine;
  readonly count: number;
  readonly seed: number;
  /** Of the leader, ms. */
  readonly leaseMs: number;
  readonly print: (line: string) => void;
  /** Ends the run, which then rejects with its reason. */
  readonly signal?: AbortSignal;
};

export type FaultsReport = {
  readonly jobs: number;
  /** Of faults of a coordinator beside an engine that is well, and of those of an engine, too:
   *  times until a call was answered, ms. */
  readonly leaderMs: readonly number[];
  readonly engineMs: readonly number[];
  /** Of the latter, what came after the engine itself was well again, ms. */
  readonly afterMs: readonly number[];
};

/** How long it took until a call was answered, and of it until the engine was well, ms. */
type Took = { readonly answerMs: number; readonly wellMs: number };

const taskCount = 40;
/** Between two jobs, ms. */
const submitMs = 400;
/** Longest wait for a call to be answered, ms. */
const answerMaxMs = waitMaxMs;
const kinds = ["kill", "stop", "partition", "engine", "both", "all"] as const;
type Kind = (typeof kinds)[number];
const ofEngine: ReadonlySet<Kind> = new Set(["engine", "both", "all"]);
const source = `import { tasks } from "tequio";
export default tasks({
  params: { base: 0 },
  items: ({ base }) => Array.from({ length: ${taskCount} }, (_, n) => base + n),
  run: (n: number) => n * 3,
});
`;

export async function runFaults(options: FaultsOptions): Promise<FaultsReport> {
  const { signal } = options;
  const run = new Faults(options, newFolder("engine-faults-"));
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    return await Promise.race([run.run(), promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
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
  #crashing: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(options: FaultsOptions, dir: string) {
    this.#options = options;
    this.#dir = dir;
    this.#random = new Random(options.seed);
  }

  async run(): Promise<FaultsReport> {
    const { count, engine, leaseMs, print } = this.#options;
    for (let which = 0; which < 2; which += 1) this.#networks.push(await Network.to(engine.ports));
    const logs = this.#networks.map(({ ports }) => engine.log(ports));
    const place = { log: "", logs: [logs[0]!, logs[1]!], dir: this.#dir, leaseMs } as const;
    const pair = await Pair.of(place);
    this.#pair = pair;
    const first = pair.start(0);
    await first.leads();
    this.#nodes = [first, pair.start(1)];
    await this.#areWell();
    const client = pair.client();
    for (const name of ["w0", "w1"]) await pair.join(name, client);
    const submitting = this.#submit(client);
    const times: Record<"leader" | "engine" | "after", number[]> = {
      leader: [],
      engine: [],
      after: [],
    };
    for (let done = 1; done <= count; done += 1) {
      const kind = kinds[this.#random.below(kinds.length)]!;
      const isAlone = !ofEngine.has(kind) && (await engine.isWell());
      const { answerMs, wellMs } = await this.#fault(kind, client);
      times[isAlone ? "leader" : "engine"].push(answerMs);
      if (!isAlone) times.after.push(Math.max(0, answerMs - wellMs));
      const what = isAlone || ofEngine.has(kind) ? kind : `${kind} in an election`;
      const own = isAlone ? "" : `, the engine was well after ${Math.round(wellMs)} ms`;
      print(`${done} of ${count}: ${what}, answered after ${Math.round(answerMs)} ms${own}`);
    }
    this.#isOver = true;
    await submitting;
    await this.#judge(client);
    return {
      jobs: this.#jobs.size,
      leaderMs: times.leader,
      engineMs: times.engine,
      afterMs: times.after,
    };
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#pair?.end();
    // A server that comes up again must not do so after it was removed.
    await this.#crashing.catch(() => {});
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
      await delay(submitMs);
    }
  }

  /** Resolves, once both nodes are well again, with the time until a call was answered. */
  async #fault(kind: Kind, client: Client): Promise<Took> {
    const nodes = this.#nodes!;
    const leading = nodes[0].state === "leading" ? 0 : 1;
    const node = nodes[leading];
    const killed = kind === "all" ? nodes : kind === "kill" || kind === "both" ? [node] : [];
    const beganMs = performance.now();
    await Promise.all(killed.map((one) => one.end()));
    if (kind === "stop") node.signal("SIGSTOP");
    if (kind === "partition") this.#networks[leading]!.cut();
    const crashed = this.#crash(kind);
    this.#crashing = crashed;
    const well = crashed.then(() => this.#engineIsWell());
    if (kind === "all") await crashed.then(() => this.#restart(killed));
    await answered(client);
    const answerMs = performance.now() - beganMs;
    const wellMs = (await well) - beganMs;
    await delay(this.#random.below(this.#options.leaseMs * 2));
    if (kind === "stop") node.signal("SIGCONT");
    if (kind === "partition") this.#networks[leading]!.heal();
    if (kind !== "all") this.#restart(killed);
    await this.#areWell();
    return { answerMs, wellMs };
  }

  /** When the engine serves the log again, by this process's clock, ms. */
  async #engineIsWell(): Promise<number> {
    const { engine } = this.#options;
    for (const endMs = performance.now() + answerMaxMs; ; await delay(50)) {
      if (this.#isOver || (await engine.isWell())) return performance.now();
      if (performance.now() > endMs) throw new Error(`${engine.name} did not become well`);
    }
  }

  async #crash(kind: Kind): Promise<void> {
    const { crash, crashAll } = this.#options.engine;
    if (kind === "all") await crashAll();
    else if (ofEngine.has(kind)) await crash();
  }

  #restart(killed: readonly Node[]): void {
    const nodes = this.#nodes!;
    for (const which of [0, 1] as const) {
      if (killed.includes(nodes[which])) nodes[which] = this.#pair!.start(which);
    }
  }

  /** One leads and the other follows, as each of them printed last. */
  async #areWell(): Promise<void> {
    const nodes = this.#nodes!;
    await until(nodes, () => {
      const states = nodes.map(({ state }) => state);
      return states.includes("leading") && states.includes("standby");
    });
  }

  async #judge(client: Client): Promise<void> {
    const known = new Set((await client.jobs()).map(({ job }) => job as string));
    for (const [job, base] of this.#jobs) {
      assert.ok(known.has(job), `${job} was acknowledged, and is gone`);
      const results: number[] = [];
      for await (const [index, result] of client.committedResults(job, { patienceMs: waitMaxMs })) {
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

/** The next call that is answered, of one that is only when the log has taken it. */
export async function answered(client: Client): Promise<void> {
  const endMs = performance.now() + answerMaxMs;
  for (;;) {
    try {
      await client.createToken({ role: "worker", owner: "admin", ttlMs: testMaxMs, usesMax: 1 });
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(50);
    }
  }
}
