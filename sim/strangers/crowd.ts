/** A crowd of volunteers, some of them liars, around the production core: no network, no disk, only
 *  which result is believed, and what that costs. Every choice comes from one seed. */
import { LawWatch } from "../../src/core/cluster/laws.ts";
import { canaryShare } from "../../src/core/cluster/trust/canary.ts";
import { type CoordinatorState, emptyState, nextWakeMs, step } from "../../src/core/coordinator.ts";
import type { Effect } from "../../src/core/effect.ts";
import type { CoordinatorEvent, WorkerSpecs } from "../../src/core/event.ts";
import type { JobId, WorkerId } from "../../src/core/ids.ts";
import { defaultLimits, type JobSpec } from "../../src/core/job.ts";
import { Random } from "../../src/core/random.ts";

/** honest · withholder: takes tasks and answers none · a liar that lies at `rate` once `after` of
 *  its results have been delivered; those of one `group` agree on what they lie, and on which
 *  tasks. `onlyNewest`: where its task has a higher number than all that it had before, which
 *  others have hardly had. */
export type Nature =
  | { readonly kind: "honest" }
  | { readonly kind: "withholder" }
  | {
      readonly kind: "liar";
      readonly rate: number;
      readonly after: number;
      readonly group: number;
      readonly onlyNewest?: boolean;
      /** Lies in jobs of this owner alone; to all others it is honest, and earns their trust. */
      readonly onlyTo?: string;
    };

/** Jobs in the order in which they are submitted, each when the one before it is done. */
export type CrowdJob = { readonly owner: string; readonly tasks: number };

export type CrowdOptions = {
  readonly seed: number;
  readonly tasks: number;
  readonly own: number;
  readonly volunteers: readonly Nature[];
  readonly spec?: Partial<JobSpec>;
  /** Check the laws after so many events; 0 = never. */
  readonly lawsEvery?: number;
  /** Default true, as coordinators have it. */
  readonly trustsByOwner?: boolean;
  /** Jobs of others that are done before; the figures are of the last job. */
  readonly before?: readonly CrowdJob[];
};

export type CrowdResult = {
  /** Of results that the finished job has. */
  readonly wrong: number;
  /** Attempts that were computed, for each task. */
  readonly work: number;
  readonly caughtLiars: number;
  readonly caughtHonest: number;
  readonly state: CoordinatorState["jobs"] extends Map<number, infer J>
    ? J extends { state: infer S }
      ? S
      : never
    : never;
  /** Of the results, those that are wrong and that `tequio recheck` does not compute again. */
  readonly left: number;
};

type Member = {
  readonly id: WorkerId;
  readonly nature: Nature;
  readonly engine: string;
  delivered: number;
  /** Highest number of a task that it has computed. */
  newest: number;
};

type Running = {
  readonly atMs: number;
  readonly order: number;
  readonly member: Member;
  readonly task: number;
  readonly attempt: number;
};

const hash = "0".repeat(64);
const engines = ["node 24", "Chromium 156", "Firefox 147"];

export class Crowd {
  readonly state = emptyState();
  readonly #random: Random;
  readonly #lies: Random;
  readonly #watch: LawWatch | null;
  readonly #options: CrowdOptions;
  readonly #members = new Map<WorkerId, Member>();
  readonly #queue: Running[] = [];
  #order = 0;
  #events = 0;
  #computed = 0;
  #atMs = 1_000;
  #job: { readonly id: JobId; readonly owner: string } = { id: "j-1", owner: "ann" };

  constructor(options: CrowdOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#lies = new Random(options.seed + 0.5 * 2 ** 32);
    this.#watch = (options.lawsEvery ?? 0) > 0 ? new LawWatch() : null;
  }

  run(): CrowdResult {
    const { own, seed, volunteers } = this.#options;
    const trustSeed = seed * 2_654_435_761 + 1;
    const started = { epoch: 1, retains: true, trustSeed, auditShare: 0.01, canaryShare } as const;
    const { trustsByOwner = true } = this.#options;
    const policy = trustsByOwner ? { trustsByOwner } : {};
    this.#tell({ kind: "coordinator-started", ...started, ...policy });
    const natures: Array<Nature | null> = [...volunteers, ...Array(own).fill(null)];
    // In any order: a worker's number says nothing.
    for (let at = natures.length - 1; at > 0; at--) {
      const other = this.#random.below(at + 1);
      [natures[at], natures[other]] = [natures[other]!, natures[at]!];
    }
    for (const [index, nature] of natures.entries()) this.#join(index, nature);
    const { before = [], tasks } = this.#options;
    for (const job of [...before, { owner: "ann", tasks }]) {
      this.#submit(job);
      this.#work();
    }
    return this.#result();
  }

  #join(index: number, nature: Nature | null): void {
    const engine = engines[index % engines.length] as string;
    const specs: WorkerSpecs = {
      name: `n${index}`,
      host: `h${index}`,
      slots: 1,
      memoryBytes: 1e9,
      kinds: [100],
      exchangeUrl: "",
      engine,
      version: "0",
    };
    const volunteer = { person: `p${index}`, block: `10.${index >> 8}.${index & 255}` };
    const effects = this.#tell({
      kind: "worker-joined",
      worker: null,
      owner: nature === null ? "up" : `p${index}`,
      specs,
      holding: [],
      ...(nature === null ? {} : { volunteer }),
    });
    const reply = effects.find((effect) => effect.kind === "reply");
    const id = reply?.value.worker as WorkerId;
    this.#members.set(id, {
      id,
      nature: nature ?? { kind: "honest" },
      engine,
      delivered: 0,
      newest: -1,
    });
  }

  #submit({ owner, tasks }: CrowdJob): void {
    const { seed, spec } = this.#options;
    this.#computed = 0;
    const stage = {
      kind: "tasks",
      taskCount: tasks,
      inputStage: null,
      partitionCount: 0,
      timeoutMs: 0,
      inputBytes: 0,
    } as const;
    const job: JobSpec = {
      name: "sweep",
      codeHash: hash,
      planHash: hash,
      stages: [stage],
      locality: null,
      limits: defaultLimits,
      backupTasks: false,
      weight: 1,
      share: "volunteers",
      ...spec,
    };
    const effects = this.#tell({
      kind: "job-submitted",
      owner,
      key: null,
      digest: hash,
      spec: job,
      disguise: seed * 7_919 + 1,
    });
    const reply = effects.find((effect) => effect.kind === "reply");
    this.#job = { id: reply?.value.job as JobId, owner };
    for (const effect of effects) this.#perform(effect);
  }

  #work(): void {
    // Own workers that are idle then look at some results of the finished job.
    while (this.state.active.size > 0 || this.state.audits.running.size > 0) {
      const next = this.#take();
      if (next === undefined) {
        const wakeMs = nextWakeMs(this.state);
        if (wakeMs === Number.POSITIVE_INFINITY) return;
        this.#atMs = Math.max(this.#atMs, wakeMs);
        this.#send({ kind: "time-passed" });
        continue;
      }
      this.#atMs = Math.max(this.#atMs, Math.floor(next.atMs));
      this.#report(next);
    }
  }

  #report({ attempt, member, task }: Running): void {
    this.#computed++;
    const root = this.#rootOf(member, task);
    member.delivered++;
    const output = { root, sizeBytes: 1, records: 1 };
    this.#send({
      kind: "attempts-reported",
      worker: member.id,
      job: this.#job.id,
      stage: 0,
      reports: [{ task, attempt, durationMs: 1_000, kind: "done", output }],
    });
  }

  #rootOf(member: Member, task: number): string {
    const { delivered, nature, newest } = member;
    member.newest = Math.max(newest, task);
    if (nature.kind !== "liar" || delivered < nature.after) return right(task);
    if (nature.onlyTo !== undefined && nature.onlyTo !== this.#job.owner) return right(task);
    if (nature.onlyNewest === true && task <= newest) return right(task);
    // The same tasks for all of a group.
    const isChosen = nature.rate >= 1 || new Random(task * 8191 + nature.group).chance(nature.rate);
    if (!isChosen) return right(task);
    // A group agrees on its lie; a lone liar has one of its own.
    return nature.group === 0 ? `lie ${this.#lies.next()}` : `lie ${task} ${nature.group}`;
  }

  #send(event: Unstamped): void {
    for (const effect of this.#tell(event)) this.#perform(effect);
  }

  #tell(event: Unstamped): Effect[] {
    const effects = step(this.state, { ...event, atMs: this.#atMs } as CoordinatorEvent);
    const { lawsEvery = 0 } = this.#options;
    this.#events++;
    if (this.#watch !== null && this.#events % lawsEvery === 0) this.#watch.see(this.state);
    return effects;
  }

  #perform(effect: Effect): void {
    if (effect.kind === "assign") {
      const member = this.#members.get(effect.worker) as Member;
      if (member.nature.kind === "withholder") return;
      for (const { attempt, task } of effect.attempts) {
        // In the order of their queue, each about a second.
        const tookMs = 500 + this.#random.below(1_000);
        const busyMs = Math.max(this.#atMs, this.#busyUntil.get(member.id) ?? 0) + tookMs;
        this.#busyUntil.set(member.id, busyMs);
        this.#push({ atMs: busyMs, order: this.#order++, member, task, attempt });
      }
    } else if (effect.kind === "abort") {
      for (const { attempt, task } of effect.attempts) {
        this.#stopped.add(`${effect.worker} ${task} ${attempt}`);
      }
    }
  }

  readonly #busyUntil = new Map<WorkerId, number>();
  readonly #stopped = new Set<string>();

  /** A binary heap by time. */
  #push(running: Running): void {
    const heap = this.#queue;
    let at = heap.push(running) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(running, heap[above] as Running)) break;
      heap[at] = heap[above] as Running;
      at = above;
    }
    heap[at] = running;
  }

  #take(): Running | undefined {
    const heap = this.#queue;
    for (;;) {
      const first = heap[0];
      if (first === undefined) return undefined;
      const last = heap.pop() as Running;
      if (heap.length > 0) this.#sink(last);
      const key = `${first.member.id} ${first.task} ${first.attempt}`;
      if (!this.#stopped.delete(key)) return first;
    }
  }

  #sink(running: Running): void {
    const heap = this.#queue;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Running, heap[child] as Running)) {
        child = right;
      }
      if (!isBefore(heap[child] as Running, running)) break;
      heap[at] = heap[child] as Running;
      at = child;
    }
    heap[at] = running;
  }

  #result(): CrowdResult {
    const { tasks } = this.#options;
    const job = this.state.jobs.get(Number(this.#job.id.slice(2)))!;
    let wrong = 0;
    let left = 0;
    for (const [task, output] of job.stages[0]!.outputs.entries()) {
      if (output?.root === right(task)) continue;
      wrong++;
      const vouchers = job.stages[0]!.opinions.vouchers.get(task) ?? [];
      if (!vouchers.every(({ person }) => this.state.trust.caught.has(person))) left++;
    }
    let caughtLiars = 0;
    let caughtHonest = 0;
    for (const worker of this.state.workers.values()) {
      if (!worker.caught) continue;
      if (this.#members.get(`w-${worker.number}`)?.nature.kind === "liar") caughtLiars++;
      else caughtHonest++;
    }
    const work = this.#computed / tasks;
    const shares = { wrong: wrong / tasks, left: left / tasks };
    return { ...shares, work, caughtLiars, caughtHonest, state: job.state };
  }
}

function isBefore(a: Running, b: Running): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function right(task: number): string {
  return `right ${task}`;
}

type Unstamped = CoordinatorEvent extends infer E
  ? E extends CoordinatorEvent
    ? Omit<E, "atMs">
    : never
  : never;
