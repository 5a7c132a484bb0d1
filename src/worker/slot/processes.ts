/** The task processes of a worker: one per busy slot, a spare one that is ready for whatever job
 *  comes next, and some that have no slot now and know the code of a job (`parked.ts`). */
import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { environmentIn, type Failure, programKinds } from "../../core/job.ts";
import { hit } from "../../store/failpoint.ts";
import type { FromTask, ItemsOrder, ShortFile } from "../process/messages.ts";
import type { JobFiles, OpenedJob } from "../shuffle/jobs.ts";
import { codeNames, ofOneJob } from "../shuffle/read-folder.ts";
import { Parked } from "./parked.ts";
import type { Python } from "./python.ts";
import type { Sandbox } from "./sandbox-node.ts";
import { defaultSlotLimits, type Language, TaskProcess } from "./task-process.ts";

export type ProcessesOptions = {
  readonly slots: number;
  readonly sandbox: Sandbox;
  readonly dir: string;
  /** Of one task. */
  readonly memoryBytes: number;
  readonly scratchMaxBytes: number;
  /** What runs Python jobs; null or absent = nothing does. */
  readonly python?: Python | null;
  /** How long processes whose job has ended are kept, ms. Default 10,000. */
  readonly idleMs?: number;
  /** Whether there is a spare one again when a slot has taken it. Default true. */
  readonly renewsSpare?: boolean;
};

/** A new spare is started when its start does not slow down the one that has just gone to work,
 *  ms. */
const spareDelayMs = 200;
const idleDefaultMs = 10_000;

/** The job's own code cannot be loaded: true for all its attempts. */
export class LoadFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

type Order = {
  readonly job: OpenedJob;
  readonly files: JobFiles;
  readonly next: ItemsOrder | null;
};

export type Taken = {
  readonly process: TaskProcess;
  /** Its messages about `next`, which was sent to it already; the array grows until the caller sets
   *  `listen`. Null: it was sent no order. */
  readonly early: readonly FromTask[] | null;
};

export class Processes {
  readonly #options: ProcessesOptions;
  readonly #slots: Array<TaskProcess | null>;
  /** By slot: the `take` that its process is for, so that one which was given up knows. */
  readonly #turns: Array<object | null>;
  readonly #parked: Parked;
  readonly #all = new Set<TaskProcess>();
  /** One for each language that has been asked for. */
  readonly #spares = new Map<Language, TaskProcess>();
  readonly #spareTimers = new Map<Language, NodeJS.Timeout>();
  #idleTimer: NodeJS.Timeout | null = null;
  #serial = 0;
  #stopped = false;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#slots = new Array(options.slots).fill(null);
    this.#turns = new Array(options.slots).fill(null);
    this.#parked = new Parked(options.slots + 1);
    rmSync(options.dir, { recursive: true, force: true });
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    this.#spares.set("javascript", this.#spawn("javascript"));
  }

  /** The slot's process, loaded with the job: the one it has when that knows the job or at least
   *  its code, else the spare. A process never serves two owners or two codes. `next` goes with the
   *  load, when there is one. Throws `LoadFailed`; after `kill` an error of no interest. */
  async take(slot: number, { job, files, next }: Order): Promise<Taken> {
    const { open } = job;
    const turn = {};
    this.#turns[slot] = turn;
    const code = codeOf(job, files);
    const clockMs = open.frozenAtMs;
    const language = languageOf(job);
    let taken = this.#slots[slot] ?? null;
    if (taken === null || taken.over || !taken.knows(code, clockMs) || taken.isCluttered) {
      if (taken !== null) this.#parked.add(taken);
      taken = this.#parked.take(code, clockMs) ?? this.#fresh(language);
      this.#slots[slot] = taken;
      taken.code = code;
      if (taken.opened === job) return { process: taken, early: null };
      // Before it is ready: with no job it would count as idle, and be ended while it starts.
      taken.job = open.job;
      await taken.ready;
      if (this.#turns[slot] !== turn) throw new Error("the slot is not for this run any more");
    } else if (taken.opened === job) return { process: taken, early: null };
    empty(taken);
    taken.job = open.job;
    taken.opened = job;
    taken.clockMs = clockMs;
    hit("worker.load", "before");
    const early = await load(taken, { job, files, next });
    hit("worker.load", "after");
    return { process: taken, early };
  }

  /** The process of a slot ends, whatever it does. One that has seen nothing of a job is the next
   *  spare: else, on a machine where processes start slowly, a backup that is quicker elsewhere
   *  would end each of them before its first task. */
  kill(slot: number): void {
    const process = this.#slots[slot] ?? null;
    this.#slots[slot] = null;
    this.#turns[slot] = null;
    if (process === null) return;
    const { language } = process;
    const isNew = process.loads === 0 && !process.over && !this.#stopped;
    if (!isNew || this.#spares.get(language)?.over === false) return void process.kill();
    process.code = "";
    process.job = "";
    process.clockMs = undefined;
    this.#spares.set(language, process);
  }

  /** Its processes stay for a while: the same code is likely to come again. Files of the job do
   *  not. */
  closeJob(job: string): void {
    for (const process of this.#all) {
      if (process.job !== job) continue;
      process.job = "";
      process.opened = null;
      empty(process);
    }
    const { idleMs = idleDefaultMs } = this.#options;
    this.#idleTimer ??= setTimeout(() => this.#endIdle(), idleMs).unref();
  }

  #endIdle(): void {
    this.#idleTimer = null;
    this.#parked.endIdle();
    for (const [slot, process] of this.#slots.entries()) if (process?.job === "") this.kill(slot);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#spareTimers.values()) clearTimeout(timer);
    clearTimeout(this.#idleTimer ?? undefined);
    await Promise.all([...this.#all].map((process) => process.kill()));
    rmSync(this.#options.dir, { recursive: true, force: true });
  }

  /** The spare one, if there is one. */
  #fresh(language: Language): TaskProcess {
    const spare = this.#spares.get(language);
    this.#spares.delete(language);
    this.#prepareSpare(language);
    return spare !== undefined && !spare.over ? spare : this.#spawn(language);
  }

  #prepareSpare(language: Language): void {
    const { renewsSpare = true } = this.#options;
    if (!renewsSpare || this.#spareTimers.has(language)) return;
    const timer = setTimeout(() => {
      this.#spareTimers.delete(language);
      if (this.#stopped || this.#spares.get(language)?.over === false) return;
      this.#spares.set(language, this.#spawn(language));
    }, spareDelayMs);
    this.#spareTimers.set(language, timer);
  }

  #spawn(language: Language): TaskProcess {
    const { sandbox, memoryBytes, scratchMaxBytes, dir, python = null } = this.#options;
    if (language === "python" && python === null) {
      throw new ClusterError("unavailable", "this worker has no Python 3.9 or newer");
    }
    this.#serial += 1;
    const made = new TaskProcess({
      sandbox,
      memoryBytes,
      scratchMaxBytes,
      dir: join(dir, String(this.#serial)),
      limits: defaultSlotLimits,
      python: language === "python" ? python : null,
    });
    this.#all.add(made);
    void made.ended.then(() => this.#all.delete(made));
    return made;
  }
}

function languageOf({ open }: OpenedJob): Language {
  return open.programKind === programKinds.python ? "python" : "javascript";
}

/** Modules run in the processes of JavaScript. */
function codeKindOf(job: OpenedJob): keyof typeof codeNames {
  return job.open.programKind === programKinds.wasm ? "module" : languageOf(job);
}

/** Operators never run where job code has been: what they report is what they wrote. Job code may
 *  keep at its top level what it made of its params, so with others it is other code. */
function codeOf({ open }: OpenedJob, { codeHash, plan }: JobFiles): string {
  if (plan.operator !== undefined) return `operator ${open.owner}`;
  return `${codeHash} ${open.owner} ${JSON.stringify(plan.params)}`;
}

/** Files of one job are never there for the next: it has only the code that both share. */
function empty({ readDir }: TaskProcess): void {
  for (const name of ofOneJob(readdirSync(readDir))) rmSync(join(readDir, name), { force: true });
}

async function load(process: TaskProcess, { job, files, next }: Order): Promise<FromTask[] | null> {
  process.loads += 1;
  const here = (file: ShortFile, name: string): ShortFile => {
    if ("text" in file) return file;
    const path = join(process.readDir, name);
    give(process, file.path, path);
    return { ...file, path };
  };
  const codePath = join(process.readDir, codeNames[codeKindOf(job)]);
  if (process.loads === 1) give(process, files.codePath, codePath);
  const early: FromTask[] = [];
  const loaded = new Promise<void>((resolve, reject) => {
    process.listen = (message) => {
      if (message.kind === "loaded") resolve();
      else if (message.kind === "load-failed") reject(new LoadFailed(message.failure));
      else early.push(message);
    };
    process.onEnd((failure) => reject(new LoadFailed(failure)));
  });
  const { itemsFile } = files;
  process.send({
    kind: "load",
    job: process.job,
    codePath,
    codeHash: files.codeHash,
    plan: here(files.taskPlan, `plan-${process.job}-${process.loads}.json`),
    items:
      itemsFile === null ? null : here(itemsFile, `items-${process.job}-${process.loads}.ndjson`),
    scratch: process.writeDir,
    memoryBytes: process.memoryBytes,
    around: environmentIn(job.open),
    ...(next === null ? {} : { next }),
  });
  await loaded;
  if (next !== null) return early;
  process.listen = null;
  return null;
}

function isForAll(path: string): boolean {
  return (statSync(path).mode & constants.S_IROTH) !== 0;
}

/** A file of the worker's for the process to read: a second name where the kernel keeps that
 *  read-only, else a copy, since a second name could be written through. */
function give(process: TaskProcess, path: string, target: string): void {
  try {
    const isReadable = !process.hasOwnUser || isForAll(path);
    if (process.hidesFiles && isReadable) return linkSync(path, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw error;
  }
  // Exclusive: a copy would go through a name that is there, into the file of another.
  copyFileSync(path, target, constants.COPYFILE_EXCL);
  if (process.hasOwnUser) chmodSync(target, 0o644);
}
