/** A whole cluster in one process from one seed: faults for a while, then everything is healed and
 *  every job must end. The same options give the same run, event for event (I22). */
import { Random } from "../core/random.ts";
import { type Fault, type FaultRate, type FaultRates, faultRates, planFaults } from "./faults.ts";
import { makeJob, type SimJob } from "./jobs.ts";
import { Judge } from "./judges.ts";
import { SimClient } from "./members/client.ts";
import { Supervisor } from "./members/supervisor.ts";
import { Mischief } from "./mischief.ts";
import { Story } from "./story.ts";
import { SimClock } from "./world/clock.ts";
import { TraceHash } from "./world/digest.ts";
import { SimDisk } from "./world/disk.ts";
import { SimNetwork } from "./world/network.ts";
import type { World, WorldShape } from "./world/world.ts";

export type SimOptions = {
  readonly seed: number;
  readonly rates?: Partial<Record<keyof FaultRates, FaultRate>>;
  /** Numbers of the faults that happen; all of the plan by default. */
  readonly faults?: ReadonlySet<number>;
  /** Numbers of the jobs that are submitted; all by default. */
  readonly jobs?: ReadonlySet<number>;
  /** Keep a story of what happened. */
  readonly story?: boolean;
};

export type SimResult = {
  readonly seed: number;
  /** The first breach; null = all laws held. */
  readonly broken: Error | null;
  /** Time that the cluster has lived. */
  readonly clusterMs: number;
  readonly events: number;
  readonly trace: string;
  /** How often each thing happened. */
  readonly coverage: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
  readonly jobs: readonly number[];
  readonly story: readonly string[];
};

export async function simulate(options: SimOptions): Promise<SimResult> {
  const cluster = new SimCluster(options);
  const unhandled = (error: unknown) => cluster.judge.failed(error);
  process.on("unhandledRejection", unhandled);
  try {
    return await cluster.run();
  } finally {
    process.off("unhandledRejection", unhandled);
  }
}

class SimCluster {
  readonly judge: Judge;
  readonly #options: SimOptions;
  readonly #world: World;
  readonly #faults: readonly Fault[];
  readonly #jobs: ReadonlyMap<number, SimJob>;
  readonly #client: SimClient;
  readonly #mischief: Mischief;
  readonly #supervisor: Supervisor;
  readonly #coverage = new Map<string, number>();
  readonly #story: Story;

  constructor(options: SimOptions) {
    this.#options = options;
    const shape = drawShape(new Random(options.seed));
    const rates = { ...faultRates, ...options.rates };
    this.#faults = planFaults(new Random(options.seed * 2 + 1e9), shape.faultsMs, rates);
    this.#jobs = drawJobs(new Random(options.seed * 2 + 2e9), shape);
    const clock = new SimClock();
    this.#story = new Story(clock, options.story === true);
    const count = (what: string) => {
      this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1);
    };
    this.judge = new Judge({
      clock,
      leaseMs: shape.liveness.leaseMs,
      workerOf: (id) => this.#workerOf(id),
      count,
    });
    const trace = new TraceHash();
    this.#world = this.#makeWorld({ shape, clock, trace, count });
    const disk = this.#makeDisk();
    this.#supervisor = new Supervisor(this.#world, disk);
    this.#supervisor.start();
    this.#mischief = new Mischief(this.#world, disk, this.#supervisor);
    this.#client = new SimClient(this.#world);
    clock.onEvent = () => {
      trace.add(clock.nowMs);
      this.judge.afterEvent();
    };
  }

  async run(): Promise<SimResult> {
    const { clock, shape, tell } = this.#world;
    const wanted = this.#options;
    tell(() => `${shape.workers} workers, lease ${shape.liveness.leaseMs} ms`);
    for (const [number, job] of this.#jobs) {
      if (wanted.jobs?.has(number) ?? true) this.#client.follow(job);
    }
    for (const fault of this.#faults) {
      if (!(wanted.faults?.has(fault.number) ?? true)) continue;
      clock.at(fault.atMs, null, () => this.#mischief.apply(fault));
    }
    try {
      await clock.run(shape.faultsMs);
      if (this.judge.broken === null) await this.#healAndWait();
    } catch (error) {
      this.judge.failed(error);
    }
    return this.#result();
  }

  async #healAndWait(): Promise<void> {
    const { clock, shape, tell } = this.#world;
    tell(() => "all faults are over");
    this.#mischief.heal();
    this.judge.healedAtMs = clock.nowMs;
    const endMs = clock.nowMs + this.#boundMs();
    while (this.#client.left > 0 && clock.nowMs < endMs && this.judge.broken === null) {
      await clock.run(Math.min(endMs, clock.nowMs + 5_000));
    }
    if (this.judge.broken !== null) return;
    if (this.#client.left > 0) {
      this.judge.breach("I21", `${this.#client.left} jobs have not ended ${this.#left()}`);
      return;
    }
    // What is still on its way may arrive.
    await clock.run(clock.nowMs + 2 * shape.liveness.leaseMs + 130_000);
    if (this.judge.broken === null) this.#checkQuiet();
  }

  /** How long all the work may take once nothing goes wrong any more. */
  #boundMs(): number {
    const slots = this.#world.shape.slots.reduce((sum, one) => sum + one, 0);
    let workMs = 0;
    let longestMs = 0;
    for (const { meanMs, spec } of this.#jobs.values()) {
      const tasks = spec.stages.reduce((sum, { taskCount }) => sum + taskCount, 0);
      workMs += tasks * meanMs;
      longestMs = Math.max(longestMs, meanMs);
    }
    return (3 * workMs) / slots + 40 * longestMs + 1_800_000;
  }

  #left(): string {
    const { state } = this.judge;
    const jobs = [...state.jobs.values()].map((job) => {
      const stages = job.stages.map(({ counts }) => JSON.stringify(counts));
      const leases = job.stages.flatMap((stage) => [...stage.leases.values()].flat());
      const held = leases.map((one) => `${one.stage}/${one.task}#${one.attempt} w-${one.worker}`);
      return `j-${job.number} ${job.state} ${stages} leases ${held}`;
    });
    return `(${jobs.join("; ")})`;
  }

  /** Nothing is left of jobs that have ended, anywhere. */
  #checkQuiet(): void {
    const { state } = this.judge;
    for (const { name, worker } of this.#mischief.seats) {
      const { loop, executor } = worker;
      const relation = loop.state.relation.state;
      if (relation !== "joined") this.judge.breach("I8", `${name} is ${relation}, not joined`);
      if (loop.state.held.size > 0) this.judge.breach("I8", `${name} holds attempts`);
      if (executor.running > 0) this.judge.breach("I8", `${name} runs attempts of ended jobs`);
      const kept = [...new Set([...executor.keptJobs, ...loop.state.jobs.keys()])];
      if (kept.length > 0) this.judge.breach("I20", `${name} keeps ${kept} for ever`);
    }
    const live = [...state.workers.values()].filter((worker) => worker.live);
    if (live.length !== this.#mischief.seats.length) {
      this.judge.breach(
        "I18",
        `${live.length} workers are live, ${this.#mischief.seats.length} are`,
      );
    }
  }

  #workerOf(id: string) {
    for (const { worker } of this.#mischief.seats) {
      if (worker.loop.workerId === id) return worker;
    }
    return null;
  }

  #makeWorld(parts: {
    shape: WorldShape;
    clock: SimClock;
    trace: TraceHash;
    count: (what: string) => void;
  }): World {
    const { shape, count } = parts;
    const { seed } = this.#options;
    const delayMs = shape.delayMs;
    const troubles = new Map<string, number>();
    return {
      ...parts,
      network: new SimNetwork({ random: new Random(seed * 2 + 3e9), delayMs, count }),
      judge: this.judge,
      random: new Random(seed * 2 + 4e9),
      jobs: new Map([...this.#jobs.values()].map((job) => [job.spec.codeHash, job])),
      flipProbability: 0,
      tell: (line) => this.#story.tell(line),
      trouble: (job, stage, task) => {
        const name = `${job.key} ${stage}/${task}`;
        const before = troubles.get(name) ?? 0;
        const trouble = job.troubles.get(`${stage}/${task}`)?.[before] ?? null;
        if (trouble === null) return null;
        troubles.set(name, before + 1);
        count(`job code: ${trouble}`);
        return trouble;
      },
    };
  }

  #makeDisk(): SimDisk {
    const { count, shape, trace } = this.#world;
    return new SimDisk({
      random: new Random(this.#options.seed * 2 + 5e9),
      writeMs: shape.writeMs,
      count,
      onDurable: (records) => {
        for (const record of records) trace.addBytes(record.bytes);
        this.#story.records(records);
        this.judge.durable(records);
      },
    });
  }

  #result(): SimResult {
    const { clock, trace } = this.#world;
    return {
      seed: this.#options.seed,
      broken: this.judge.broken,
      clusterMs: clock.nowMs,
      events: clock.count,
      trace: trace.text,
      coverage: this.#coverage,
      faults: this.#faults,
      jobs: [...this.#jobs.keys()],
      story: this.#story.lines,
    };
  }
}

function drawShape(random: Random): WorldShape {
  const workers = 2 + random.below(5);
  const quick = { leaseMs: 15_000, heartbeatMs: 5_000, closedGraceMs: 1_000, tickMs: 1_000 };
  const calm = { leaseMs: 60_000, heartbeatMs: 20_000, closedGraceMs: 2_000, tickMs: 5_000 };
  return {
    workers,
    slots: Array.from({ length: workers }, () => 1 + random.below(3)),
    liveness: random.chance(0.5) ? quick : calm,
    snapshotRecords: [15, 50, 200][random.below(3)]!,
    delayMs: [1, 5, 50][random.below(3)]!,
    writeMs: [4, 10, 40][random.below(3)]!,
    faultsMs: 600_000 + random.below(5_400_000),
    sweepGraceMs: 600_000,
  };
}

function drawJobs(random: Random, shape: WorldShape): Map<number, SimJob> {
  const jobs = new Map<number, SimJob>();
  let atMs = 1_000;
  for (let number = 1; atMs < shape.faultsMs * 0.9; number++) {
    jobs.set(number, makeJob(random, number, atMs));
    atMs += random.below(300_000);
  }
  return jobs;
}
