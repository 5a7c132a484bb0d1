/** A whole cluster in one process, built from a plan: its members, its jobs, its faults and their
 *  times. The same plan gives the same run, event for event (I22). */
import { Random } from "../src/core/random.ts";
import { FaultInjector } from "./fault-injector.ts";
import type { Fault, FaultKind } from "./faults.ts";
import type { SimJob } from "./jobs.ts";
import { Judge } from "./judges/judge.ts";
import type { Law } from "./judges/laws.ts";
import { SimClient } from "./members/client.ts";
import { Supervisor } from "./members/supervisor.ts";
import { type TraceLine, TraceLog } from "./trace-log.ts";
import { SimClock } from "./world/clock.ts";
import { TraceHash } from "./world/digest.ts";
import { SimDisk } from "./world/disk.ts";
import { SimFiles } from "./world/files.ts";
import { onUnhandled } from "./world/host.ts";
import { coordinatorName } from "./world/names.ts";
import { SimNetwork } from "./world/network.ts";
import type { World, WorldShape } from "./world/world.ts";

export type ClusterPlan = {
  readonly seed: number;
  readonly shape: WorldShape;
  /** Faults, in order of time. */
  readonly faults: readonly Fault[];
  readonly jobs: ReadonlyMap<number, SimJob>;
  /** Receives the trace, line by line; none by default. */
  readonly told?: (line: TraceLine) => void;
  /** Laws about the whole state are checked once per this many records. Default 1. */
  readonly lawsEvery?: number;
  /** Nothing stops the coordinator or its disk, so that all of the time between two records counts
   *  for I25. Default false: at most a second of it does. */
  readonly isSteady?: boolean;
};

export type SimResult = {
  readonly seed: number;
  /** The first violation; null = all laws held. */
  readonly broken: Error | null;
  /** Simulated time, ms. */
  readonly clusterMs: number;
  readonly events: number;
  readonly trace: string;
  /** How often each thing happened. */
  readonly coverage: ReadonlyMap<string, number>;
};

/** Numbers of faults above this belong to faults outside the plan. */
const plannedMax = 1_000_000;

export class SimCluster {
  readonly judge: Judge;
  readonly supervisor: Supervisor;
  readonly injector: FaultInjector;
  readonly #plan: ClusterPlan;
  readonly #world: World;
  readonly #client: SimClient;
  readonly #disk: SimDisk;
  readonly #coverage = new Map<string, number>();
  readonly #trace: TraceLog;
  /** By their plan. */
  readonly #jobs = new Map<string, SimJob>();
  #injected = 0;

  constructor(plan: ClusterPlan) {
    this.#plan = plan;
    const { isSteady = false, lawsEvery = 1, shape } = plan;
    const clock = new SimClock();
    this.#trace = new TraceLog(clock, plan.told ?? null);
    const count = (what: string) => {
      this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1);
    };
    const { heartbeatMs, leaseMs } = shape.liveness;
    this.judge = new Judge({
      ...{ clock, leaseMs, heartbeatMs, lawsEvery, isSteady, count },
      exercised: count,
    });
    const trace = new TraceHash();
    this.#world = this.#makeWorld({ shape, clock, trace, count });
    const { network } = this.#world;
    network.onClose = (end, reason) => this.judge.identities.closed(end, reason);
    const disk = this.#makeDisk();
    this.#disk = disk;
    this.judge.watch(disk.relay);
    this.supervisor = new Supervisor(this.#world, disk);
    this.supervisor.start();
    this.injector = new FaultInjector(this.#world, disk, this.supervisor);
    this.#client = new SimClient(this.#world);
    clock.onEvent = () => {
      trace.add(clock.nowMs);
      this.judge.afterEvent();
    };
    for (const job of plan.jobs.values()) this.submit(job);
    for (const fault of plan.faults) clock.at(fault.atMs, null, () => this.injector.apply(fault));
  }

  get nowMs(): number {
    return this.#world.clock.nowMs;
  }

  /** Jobs whose owner is still waiting. */
  get jobsLeft(): number {
    return this.#client.left;
  }

  /** Both phases: faults for a while, then everything is healed and every job must end. */
  async run(): Promise<SimResult> {
    const { shape, tell } = this.#world;
    const { bare, gateways, tabs } = shape.browsers;
    tell(() => `${shape.hidden} of the workers are unreachable`);
    tell(() => `${tabs.length} tabs, ${bare} basic browsers, ${gateways} gateways`);
    tell(() => `${shape.workers} workers, lease ${shape.liveness.leaseMs} ms`);
    await this.advance(shape.faultsMs);
    try {
      if (this.judge.broken === null) await this.#healAndWait();
    } catch (error) {
      this.judge.failed(error);
    }
    return this.result();
  }

  /** Runs the cluster until then; the judge has the violations. */
  async advance(untilMs: number): Promise<void> {
    const forget = onUnhandled((error) => this.judge.failed(error));
    try {
      await this.#world.clock.run(untilMs);
    } catch (error) {
      this.judge.failed(error);
    } finally {
      forget();
    }
  }

  /** Runs it until no job is left, at most until then. */
  async finish(untilMs: number): Promise<void> {
    while (this.jobsLeft > 0 && this.nowMs < untilMs && this.judge.broken === null) {
      await this.advance(Math.min(untilMs, this.nowMs + 5_000));
    }
  }

  /** Nothing passes between a machine and the coordinator, in one direction or both. */
  isCutOff(name: string): boolean {
    const { network } = this.#world;
    return network.isCut(name, coordinatorName) || network.isCut(coordinatorName, name);
  }

  /** Submits one more job, at its time or at once. */
  submit(job: SimJob): void {
    this.#jobs.set(job.spec.planHash, job);
    this.#client.follow(job);
  }

  /** Injects a fault that is not in the plan. */
  inject(kind: FaultKind, options: { target?: number; forMs: number; draw?: number }): void {
    const { target = 0, forMs, draw = 0.5 } = options;
    this.#injected += 1;
    const number = plannedMax + this.#injected;
    this.injector.apply({ number, atMs: this.nowMs, kind, target, forMs, draw });
  }

  async #healAndWait(): Promise<void> {
    const { clock, shape, tell } = this.#world;
    tell(() => "all faults are over");
    this.injector.heal();
    this.judge.healedAtMs = clock.nowMs;
    if (this.jobsLeft > 0) this.#exercised("I21: every job ends when the faults are over");
    await this.finish(clock.nowMs + this.#boundMs());
    if (this.judge.broken !== null) return;
    if (this.#client.left > 0) {
      this.judge.breach("I21", `${this.#client.left} jobs have not ended ${this.#left()}`);
      return;
    }
    // Messages in transit may still arrive.
    await this.advance(clock.nowMs + 2 * shape.liveness.leaseMs + 130_000);
    await this.#lastTasks();
    if (this.judge.broken === null) this.#checkQuiet();
  }

  /** A basic browser cannot be asked to stop a task that is not needed any more. */
  async #lastTasks(): Promise<void> {
    const { bare } = this.injector.browsers;
    let longestMs = 0;
    for (const { meanMs } of this.#jobs.values()) longestMs = Math.max(longestMs, meanMs);
    const untilMs = this.nowMs + 2 * longestMs;
    while (bare.some(({ browser }) => browser.isBusy) && this.nowMs < untilMs) {
      if (this.judge.broken !== null) return;
      await this.advance(this.nowMs + 5_000);
    }
  }

  /** Longest time that all the work may take once there are no more faults, ms. */
  #boundMs(): number {
    const { browsers, slots: workerSlots } = this.#world.shape;
    const slots = [...workerSlots, ...browsers.tabs].reduce((sum, one) => sum + one, 0);
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

  /** Nothing is left of ended jobs, anywhere. */
  #checkQuiet(): void {
    const { state } = this.judge;
    this.#exercised("I8: at rest no worker holds an attempt");
    this.#exercised("I18: at rest the live workers are the connected members");
    this.#exercised("I20: at rest nothing is kept of a removed job");
    for (const { name, worker } of this.injector.seats) {
      const { loop, executor } = worker;
      const relation = loop.state.relation.state;
      if (relation !== "joined") this.judge.breach("I8", `${name} is ${relation}, not joined`);
      if (loop.state.held.size > 0) this.judge.breach("I8", `${name} holds attempts`);
      if (executor.running > 0) this.judge.breach("I8", `${name} runs attempts of ended jobs`);
      const kept = [...new Set([...executor.keptJobs, ...loop.state.jobs.keys()])];
      if (kept.length > 0) this.judge.breach("I20", `${name} never removes ${kept}`);
    }
    this.#checkQuietBrowsers();
    const keptJobs = [...this.#disk.relay.jobs];
    if (keptJobs.length > 0) this.judge.breach("I20", `the relay never removes ${keptJobs}`);
    for (const { number, live, pause } of state.workers.values()) {
      if (live && pause !== null) this.judge.breach("C4", `w-${number} stays paused`);
    }
    const live = [...state.workers.values()].filter((worker) => worker.live);
    const { bare, tabs } = this.injector.browsers;
    const members = this.injector.seats.length + tabs.length + bare.length;
    if (live.length !== members) {
      const names = live.map(({ number, specs }) => `w-${number} ${specs.name}`);
      this.judge.breach("I18", `${live.length} workers are live (${names}), ${members} are`);
    }
  }

  #exercised(law: Law): void {
    this.#world.count(law);
  }

  #checkQuietBrowsers(): void {
    for (const { name, tab } of this.injector.browsers.tabs) {
      const { session, tasks } = tab;
      if (session.phase !== "joined") this.judge.breach("I8", `${name} is ${session.phase}`);
      if (session.taskCount + tasks.running > 0) this.judge.breach("I8", `${name} holds tasks`);
    }
    for (const { name, browser } of this.injector.browsers.bare) {
      if (!browser.isConnected) this.judge.breach("I8", `${name} is not connected`);
      if (browser.isBusy) this.judge.breach("I8", `${name} computes a task that is not needed`);
    }
  }

  #makeWorld(parts: {
    shape: WorldShape;
    clock: SimClock;
    trace: TraceHash;
    count: (what: string) => void;
  }): World {
    const { shape, count } = parts;
    const { seed } = this.#plan;
    const delayMs = shape.delayMs;
    const troubles = new Map<string, number>();
    const files = new Map<string, SimFiles>();
    return {
      ...parts,
      network: new SimNetwork({ random: new Random(seed * 2 + 3e9), delayMs, count }),
      judge: this.judge,
      random: new Random(seed * 2 + 4e9),
      jobs: this.#jobs,
      flipProbability: 0,
      filesOf: (host) => {
        const made = files.get(host) ?? new SimFiles();
        files.set(host, made);
        return made;
      },
      tell: (line) => this.#trace.tell(line),
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
      random: new Random(this.#plan.seed * 2 + 5e9),
      writeMs: shape.writeMs,
      count,
      onDurable: (records) => {
        for (const record of records) trace.addBytes(record.bytes);
        this.#trace.records(records);
        this.judge.durable(records);
      },
    });
  }

  result(): SimResult {
    const { clock, trace } = this.#world;
    return {
      seed: this.#plan.seed,
      broken: this.judge.broken,
      clusterMs: clock.nowMs,
      events: clock.count,
      trace: trace.text,
      coverage: this.#coverage,
    };
  }
}
