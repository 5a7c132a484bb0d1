/** The task processes of a worker: one per busy slot, and one spare that is ready for whatever job comes next. */
import { copyFileSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import type { JobFiles } from "../files/jobs.ts";
import type { Sandbox } from "./sandbox-node.ts";
import { defaultSlotLimits, TaskProcess } from "./slot.ts";

export type ProcessesOptions = {
  readonly slots: number;
  readonly sandbox: Sandbox;
  readonly dir: string;
  /** Of one task. */
  readonly memoryBytes: number;
};

/** A new spare is started when its start does not slow down the one that has just gone to work, ms. */
const spareDelayMs = 200;

/** The job's own code cannot be loaded: true for all its attempts. */
export class LoadFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export class Processes {
  readonly #options: ProcessesOptions;
  readonly #slots: Array<TaskProcess | null>;
  readonly #all = new Set<TaskProcess>();
  #spare: TaskProcess | null = null;
  #spareTimer: NodeJS.Timeout | null = null;
  #serial = 0;
  #stopped = false;

  constructor(options: ProcessesOptions) {
    this.#options = options;
    this.#slots = new Array(options.slots).fill(null);
    rmSync(options.dir, { recursive: true, force: true });
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    this.#spare = this.#spawn();
  }

  /** The slot's process, loaded with the job: the one it has when that knows the job, else the spare. A
   *  process never serves two jobs. `began` is called when loading begins. Throws `LoadFailed`. */
  async take(slot: number, job: string, files: JobFiles): Promise<TaskProcess> {
    const before = this.#slots[slot] ?? null;
    if (before !== null && !before.over && before.job === job) return before;
    void before?.kill();
    const taken = this.#spare !== null && !this.#spare.over ? this.#spare : this.#spawn();
    this.#spare = null;
    this.#slots[slot] = taken;
    taken.job = job;
    this.#prepareSpare();
    await taken.ready;
    await load(taken, job, files);
    return taken;
  }

  /** The process of a slot ends, whatever it does. */
  kill(slot: number): void {
    void this.#slots[slot]?.kill();
    this.#slots[slot] = null;
  }

  closeJob(job: string): void {
    for (const [slot, process] of this.#slots.entries()) if (process?.job === job) this.kill(slot);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#spareTimer !== null) clearTimeout(this.#spareTimer);
    await Promise.all([...this.#all].map((process) => process.kill()));
    rmSync(this.#options.dir, { recursive: true, force: true });
  }

  #prepareSpare(): void {
    if (this.#spareTimer !== null) return;
    this.#spareTimer = setTimeout(() => {
      this.#spareTimer = null;
      if (!this.#stopped && (this.#spare === null || this.#spare.over)) this.#spare = this.#spawn();
    }, spareDelayMs);
  }

  #spawn(): TaskProcess {
    const { sandbox, memoryBytes, dir } = this.#options;
    this.#serial += 1;
    const made = new TaskProcess({
      sandbox,
      memoryBytes,
      dir: join(dir, String(this.#serial)),
      limits: defaultSlotLimits,
    });
    this.#all.add(made);
    void made.ended.then(() => this.#all.delete(made));
    return made;
  }
}

async function load(process: TaskProcess, job: string, files: JobFiles): Promise<void> {
  const here = (path: string, name: string) => {
    const target = join(process.readDir, name);
    linkOrCopy(path, target);
    return target;
  };
  const loaded = new Promise<void>((resolve, reject) => {
    process.listen = (message) => {
      if (message.kind === "loaded") resolve();
      if (message.kind === "load-failed") reject(new LoadFailed(message.failure));
    };
    void process.ended.then(({ code, message }) => reject(new ClusterError(code, message)));
  });
  process.send({
    kind: "load",
    job,
    codePath: here(files.codePath, "job.mjs"),
    planPath: here(files.planPath, "plan.json"),
    itemsPath: files.itemsPath === null ? null : here(files.itemsPath, "items.ndjson"),
    scratch: process.writeDir,
  });
  await loaded;
  process.listen = null;
}

/** The directory is readable for the process, not writable, so a second name for the same bytes is safe. */
export function linkOrCopy(path: string, target: string): void {
  try {
    linkSync(path, target);
  } catch {
    copyFileSync(path, target);
  }
}
