/** The simulated counterpart of a worker's task processes: computes in memory, takes the time that
 *  the seed decides, and gets code, partitions and results over the simulated network. */
import { ClusterError } from "../../src/core/error.ts";
import type { AttemptReport } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey, type JobId, type WorkerId } from "../../src/core/ids.ts";
import { type Failure, taskName } from "../../src/core/job.ts";
import type { JobOpen, StageSources } from "../../src/wire/manager/messages.ts";
import type { Executor, ExecutorEvents, RunOrder, Serving } from "../../src/worker/executor.ts";
import { startHandOver } from "../../src/worker/shuffle/hand-over.ts";
import { mapTask, plainTask, reduceTask, type SimJob } from "../jobs.ts";
import type { Law } from "../judges/laws.ts";
import { digestOf } from "../world/digest.ts";
import { coordinatorName } from "../world/names.ts";
import type { SimProcess } from "../world/process.ts";
import { openPart, type Part } from "../world/sealed.ts";
import { isTicket } from "../world/tickets.ts";
import type { World } from "../world/world.ts";
import type { DataServer, PartitionServer, PartitionsAsk } from "./calls.ts";
import { byPlace, failedReport, isFull, Lost, lostTasks } from "./fetches.ts";
import { partsOf } from "./hand-over.ts";
import type { Machine } from "./machine.ts";
import { SimShuffle } from "./shuffle.ts";

type Run = { readonly order: RunOrder; readonly job: SimJob; isOver: boolean };

const askTimeoutMs = 5_000;
const triesMax = 4;
/** As in production: see `files/fetch.ts`. */
const fetchesAtOnce = 8;

export class SimExecutor implements Executor {
  /** Factor on the duration of attempts. */
  slowFactor = 1;
  readonly shuffle: SimShuffle;
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #machine: Machine;
  readonly #events: ExecutorEvents;
  readonly #jobs = new Map<string, JobOpen>();
  readonly #loaded = new Set<string>();
  readonly #sources = new Map<string, StageSources>();
  readonly #runs = new Map<number, Run>();

  constructor(world: World, process: SimProcess, events: ExecutorEvents, machine: Machine) {
    this.#machine = machine;
    this.#world = world;
    this.#process = process;
    this.#events = events;
    this.shuffle = new SimShuffle(world, machine.files, process.name);
  }

  get running(): number {
    return this.#runs.size;
  }

  /** Names of the tasks that it runs, for people. */
  get runningTasks(): string[] {
    return [...this.#runs.values()].flatMap(({ job, order }) => {
      const kind = job.spec.stages[order.stage]!.kind;
      return order.attempts.map(({ task }) => `${order.job} ${taskName(kind, task)}`);
    });
  }

  /** Jobs whose code or outputs are on this machine. */
  get keptJobs(): string[] {
    const kept = new Set<string>(this.#jobs.keys());
    for (const { job } of this.shuffle.refs) kept.add(job);
    return [...kept];
  }

  openJob(job: JobOpen): void {
    this.#jobs.set(job.job, job);
  }

  closeJob(job: JobId): void {
    for (const { order } of this.#runs.values()) {
      if (order.job !== job) continue;
      this.#world.judge.breach("I7", `${this.#process.name} still runs ${job}, which is closed`);
    }
    this.#jobs.delete(job);
    this.#loaded.delete(job);
    this.shuffle.closeJob(job);
    for (const key of this.#sources.keys()) {
      if (key.startsWith(`${job}/`)) this.#sources.delete(key);
    }
  }

  setSources(sources: StageSources): void {
    this.#sources.set(`${sources.job}/${sources.stage}`, sources);
  }

  handOver(): () => void {
    const [world, process] = [this.#world, this.#process];
    const worker = () => this.#machine.workerId() as WorkerId;
    return startHandOver(partsOf({ world, process, shuffle: this.shuffle, worker }), this.#events);
  }

  start(order: RunOrder): void {
    const open = this.#jobs.get(order.job);
    const job = this.#world.jobs.get(open?.planHash ?? "");
    this.#world.judge.runStarted(this.#process, order, job ?? null);
    const law: Law = "C4: a worker with a full disk begins nothing";
    if (this.#machine.disk.isFull) this.#world.count(law);
    if (this.#machine.pausedFor() !== "") {
      this.#world.judge.breach("C4", `${this.#process.name} is out of disk and begins a task`);
    }
    if (job === undefined) return;
    const run = { order, job, isOver: false };
    this.shuffle.enter(order.slot, open!);
    this.#runs.set(order.run, run);
    void this.#run(run);
  }

  kill(run: number): void {
    const found = this.#runs.get(run);
    if (found !== undefined) {
      found.isOver = true;
      this.shuffle.leave(found.order.slot);
    }
    this.#runs.delete(run);
  }

  serving(): Serving {
    const stages = new Map<string, { job: JobId; stage: number; tasks: number[] }>();
    for (const ref of this.shuffle.refs) {
      const key = `${ref.job}/${ref.stage}`;
      const entry = stages.get(key) ?? { job: ref.job, stage: ref.stage, tasks: [] };
      entry.tasks.push(ref.task);
      stages.set(key, entry);
    }
    return [...stages.values()];
  }

  /** The partitions that another worker requests; null = there is no such output here, or not for
   *  this ticket (I13). Expiry of tickets is tested outside the simulation. */
  partitions(ask: PartitionsAsk): Array<Part | null> {
    return ask.sources.map((source) => {
      const ref = this.shuffle.refOf(source);
      const key = ref === null ? undefined : this.#jobs.get(ref.job)?.exchangeKey;
      if (ref === null || key === undefined) return null;
      const { job, stage } = ref;
      if (!isTicket(ask.ticket, key, { job, stage, requester: ask.requester })) return null;
      return this.shuffle.part(ref, ask.partition);
    });
  }

  async #run(run: Run): Promise<void> {
    const { order } = run;
    const tell = this.#events.tell;
    const failed = await this.#load(run);
    if (run.isOver) return;
    if (failed !== null) {
      this.#finish(run);
      const reports = order.attempts.map((ref) => failedReport(ref, 0, failed));
      tell({ kind: "run-reported", run: order.run, reports });
      return;
    }
    tell({ kind: "run-phase", run: order.run, phase: "computing" });
    for (const [index, ref] of order.attempts.entries()) {
      const report = await this.#attempt(run, ref);
      if (run.isOver) return;
      if (report === "crashed") {
        this.#finish(run);
        this.shuffle.leave(order.slot);
        const failure = { code: "task-crashed", message: "killed by SIGSEGV" } as const;
        tell({ kind: "run-died", run: order.run, blame: "current", failure });
        return;
      }
      if (index === order.attempts.length - 1) this.#finish(run);
      tell({ kind: "run-reported", run: order.run, reports: [report] });
    }
  }

  #finish(run: Run): void {
    run.isOver = true;
    this.#runs.delete(run.order.run);
  }

  /** Code and plan of the job, once for each job. */
  async #load({ order, job }: Run): Promise<Failure | null> {
    if (this.#loaded.has(order.job)) return null;
    try {
      await this.#retrying(() => this.#blob(job.spec.codeHash));
      this.#loaded.add(order.job);
      return null;
    } catch (error) {
      this.#world.count("download of code failed");
      return { code: "download-failed", message: (error as Error).message };
    }
  }

  async #attempt(run: Run, ref: AttemptRef): Promise<AttemptReport | "crashed"> {
    const { job } = run;
    const { clock, random } = this.#world;
    const startedAtMs = clock.nowMs;
    const stage = job.spec.stages[ref.stage]!;
    const isStraggler = random.chance(this.#world.shape.straggling);
    if (isStraggler) this.#world.count("straggling attempt");
    const slowFactor = isStraggler ? 10 : this.slowFactor;
    const durationMs = job.meanMs * (0.5 + random.fraction()) * slowFactor;
    const trouble = this.#world.trouble(job, ref.stage, ref.task);
    await this.#process.sleep(durationMs);
    if (trouble === "crash") return "crashed";
    if (trouble === "hang") return new Promise(() => {});
    const tookMs = () => clock.nowMs - startedAtMs;
    if (trouble === "throw") {
      return failedReport(ref, tookMs(), { code: "user-error", message: "Error: planted" });
    }
    if (run.isOver) return "crashed";
    try {
      const { task, attempt } = ref;
      if (stage.kind === "reduce") {
        const output = await this.#reduce(run, ref);
        return { kind: "done", task, attempt, durationMs: tookMs(), output };
      }
      const input = job.inputs[task]!;
      const counters = { words: input.split(" ").length };
      const output = await this.#first(run, ref, input);
      return { kind: "done", task, attempt, durationMs: tookMs(), output, counters };
    } catch (error) {
      return this.#lostReport(ref, tookMs(), error as Error);
    }
  }

  async #first(run: Run, ref: AttemptRef, input: string) {
    const stage = run.job.spec.stages[ref.stage]!;
    if (stage.kind === "tasks") {
      return { root: "", sizeBytes: 1, records: 1, value: plainTask(input) };
    }
    if (stage.partitionCount === 0) return this.#store(run, plainTask(input));
    const partitions = mapTask(input, stage.partitionCount);
    this.#needDisk();
    const { root } = await this.shuffle.keep(run.order.slot, ref, partitions);
    if (this.#machine.isHidden) await this.#relay(run, ref, partitions);
    return { root, sizeBytes: partitions.join("").length, records: partitions.length };
  }

  /** As in production, calls that may succeed later are retried; a full disk is reported. */
  async #relay(run: Run, ref: AttemptRef, partitions: readonly string[]): Promise<void> {
    const worker = this.#machine.workerId() as WorkerId;
    const work = (server: DataServer) => server.relay(worker, ref, partitions);
    await this.#untilOver(run, work);
  }

  #needDisk(): void {
    if (!this.#machine.disk.isFull) return;
    this.#world.count("worker: no space left");
    throw new ClusterError("storage-full", "no space left on this worker");
  }

  async #reduce(run: Run, ref: AttemptRef) {
    this.#needDisk();
    const stage = run.job.spec.stages[ref.stage]!.inputStage!;
    const told = this.#sources.get(`${ref.job}/${stage}`);
    const count = run.job.spec.stages[stage]!.taskCount;
    const wanted = this.shuffle.wanted(run.order, {
      partition: ref.task,
      sources: () => this.#sources.get(`${ref.job}/${stage}`) ?? null,
    });
    const segments = await this.shuffle.find(wanted, count);
    const found = new Array<string | null>(count).fill(null);
    const places = [...byPlace(told, (task) => segments[task] === null, count)];
    const lane = async () => {
      for (let place = places.shift(); place !== undefined; place = places.shift()) {
        const [url, tasks] = place;
        await this.#fetch(run, { ref, told: told!, url, tasks, found });
        if (run.isOver) return;
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, lane));
    if (run.isOver) throw new Lost([]);
    const lying = await this.shuffle.read(wanted, segments);
    for (const [task, text] of lying.entries()) found[task] ??= text;
    const lost = [...found.keys()].filter((task) => found[task] === null);
    if (lost.length > 0) throw new Lost(lost);
    for (const [task, text] of found.entries()) {
      this.#world.judge.shuffle.used(told!.tasks[task]![2], ref.task, text!);
    }
    return this.#store(run, reduceTask(found as string[]));
  }

  /** All partitions that one worker holds, requested until they arrive, or too often. */
  async #fetch(run: Run, from: Fetch): Promise<void> {
    const { found, ref, tasks, told, url } = from;
    const ticket = told.tickets[told.urls.indexOf(url)] ?? "";
    const missing = () => tasks.filter((task) => found[task] === null);
    const once = async () => {
      const asked = missing();
      const sources = asked.map((task) =>
        attemptKey({ job: ref.job, stage: told.stage, task, attempt: told.tasks[task]![1] }),
      );
      const ask = { ticket, sources, partition: ref.task, requester: this.#machine.workerId() };
      const got = await this.#ask(url, ask);
      for (const [index, task] of asked.entries()) {
        found[task] = this.#opened(got[index]!, told.tasks[task]![2], ref.task);
      }
      if (!run.isOver && missing().length > 0) throw new Lost(missing());
    };
    await this.#retrying(once).catch(() => {});
  }

  /** Null when it is missing, or differs from its manifest. */
  #opened(part: Part | null, root: string, partition: number): string | null {
    if (part === null || this.#isFlipped()) return null;
    const text = openPart(part, root, partition);
    if (text === null) this.#world.count("reduce: damage noticed after the wire");
    return text;
  }

  /** `url` "": the coordinator has them. */
  #ask(url: string, ask: PartitionsAsk): Promise<Array<Part | null>> {
    const { network } = this.#world;
    if (url === "") {
      const work = (server: DataServer) => server.relayed(ask);
      return network.ask(this.#process, coordinatorName, { timeoutMs: askTimeoutMs, work });
    }
    const { hostname, port } = new URL(url);
    const work = (server: PartitionServer) => {
      if (String(server.address) === port) return server.partitions(ask);
      throw new ClusterError("unavailable", `${hostname} has another address now`);
    };
    return network.ask(this.#process, hostname, { timeoutMs: askTimeoutMs, work });
  }

  async #store(run: Run, text: string) {
    const work = (server: DataServer) => server.putBlob(text);
    const root = await this.#untilOver(run, work);
    return { root, sizeBytes: text.length, records: 1 };
  }

  #untilOver<T>(run: Run, work: (server: DataServer) => Promise<T>): Promise<T> {
    return this.#retrying(() => {
      if (run.isOver) throw new Lost([]);
      const options = { timeoutMs: askTimeoutMs, work };
      return this.#world.network.ask(this.#process, coordinatorName, options);
    });
  }

  async #blob(hash: string): Promise<string> {
    const work = (server: DataServer) => server.readBlob(hash);
    const options = { timeoutMs: askTimeoutMs, work };
    const text = await this.#world.network.ask(this.#process, coordinatorName, options);
    if (digestOf(text) !== hash || this.#isFlipped()) throw new Lost([]);
    return text;
  }

  async #retrying<T>(attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (tries >= triesMax || isFull(error)) throw error;
      }
      await this.#process.sleep(500 * tries);
    }
  }

  #isFlipped(): boolean {
    const { flipProbability, random } = this.#world;
    if (flipProbability === 0 || !random.chance(flipProbability)) return false;
    this.#world.count("transfer: wrong byte found");
    return true;
  }

  #lostReport(ref: AttemptRef, durationMs: number, error: Error): AttemptReport {
    if (isFull(error)) {
      this.#world.count("attempt met a full disk");
      return failedReport(ref, durationMs, { code: "storage-full", message: error.message });
    }
    this.#world.count("download or upload failed");
    const failure = { code: "download-failed", message: error.message } as const;
    const report = failedReport(ref, durationMs, failure);
    const tasks = lostTasks(error);
    if (tasks.length > 0) this.#world.count("reduce reports lost partitions");
    return tasks.length === 0 ? report : { ...report, lostTasks: tasks };
  }
}

type Fetch = {
  readonly ref: AttemptRef;
  readonly told: StageSources;
  readonly url: string;
  readonly tasks: readonly number[];
  /** Partitions by task of the input stage; filled here. */
  readonly found: Array<string | null>;
};
