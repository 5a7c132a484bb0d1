/** The life of one task process: spawned ahead, loaded with one job, fed, watched, and killed as a
 *  whole.
 *
 *  Its messages are claims of code that is not ours: every message is checked before it is used. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { join } from "node:path";
import type { Duplex, Writable } from "node:stream";
import { ClusterError } from "../../core/error.ts";
import type { Failure } from "../../core/job.ts";
import { Channel, fromTaskMaxBytes, toTaskMaxBytes } from "../channel/channel.ts";
import type { FromTask, ToTask } from "../process/messages.ts";
import { readFromTask } from "./claims.ts";
import { failureOf, type KilledFor } from "./ending.ts";
import { onlyChild, ownBytes } from "./memory.ts";
import type { Python } from "./python.ts";
import { forgetRemembered } from "./remembered.ts";
import { boundProcesses, launchOf, ownUser, type Sandbox } from "./sandbox-node.ts";
import { scratchBytes } from "./scratch.ts";
import { Tail } from "./tail.ts";

export type SlotOptions = {
  readonly sandbox: Sandbox;
  /** Made for this process, removed after its end. */
  readonly dir: string;
  /** Of the job's heap; the process as a whole may have `overheadBytes` more. */
  readonly memoryBytes: number;
  /** On the disk, of all files that it has made. */
  readonly scratchMaxBytes: number;
  readonly limits: SlotLimits;
  /** It is a process of this Python; null or absent = of Node. */
  readonly python?: Python | null;
};

export type Language = "javascript" | "python";

export type SlotLimits = {
  /** What the engine takes for itself: about 45 MiB measured, without the pages of its program. */
  readonly overheadBytes: number;
  /** How often its memory and its files are looked at, ms. */
  readonly sampleMs: number;
  /** From the spawn to `ready`, ms. */
  readonly readyMs: number;
  /** Kept of standard output and error. */
  readonly tailBytes: number;
  /** Written to standard output and error in a life, before it is killed. */
  readonly outputMaxBytes: number;
  /** How long a process may live on without its channel, ms: it is about to end, or job code has
   *  closed the channel. */
  readonly muteMs: number;
};

export const defaultSlotLimits: SlotLimits = {
  overheadBytes: 64 * 1024 * 1024,
  sampleMs: 250,
  readyMs: 30_000,
  tailBytes: 64 * 1024,
  outputMaxBytes: 64 * 1024 * 1024,
  muteMs: 1_000,
};

export class TaskProcess {
  /** Linked job files and fetched partitions: it reads them. */
  readonly readDir: string;
  /** It writes here, and only here. */
  readonly writeDir: string;
  /** The job that it is loaded with; "" while it is spare or idle after its job. */
  job = "";
  /** Which opening of that job it is: another coordinator may give the name once more. */
  opened: object | null = null;
  /** The code that it has loaded, of which owner and with which params; "" while it is spare. It
   *  never loads another. */
  code = "";
  /** Jobs loaded so far. */
  loads = 0;
  /** The time that the code sees which it has loaded; undefined = the time that goes by. */
  clockMs: number | undefined;
  /** Its code has looked at that time. */
  #hasReadClock = false;
  /** Settles when it has ended, with why. */
  readonly ended: Promise<Failure>;
  /** Receives its messages; null while it is idle. */
  listen: ((message: FromTask) => void) | null = null;
  /** Called when it has ended; one callback at a time, since waits on `ended` would pile up. */
  #onEnd: ((failure: Failure) => void) | null = null;
  #failure: Failure | null = null;
  readonly #options: SlotOptions;
  readonly #rootDir: string;
  readonly #child: ChildProcess;
  readonly #channel: Channel | null;
  readonly #tail: Tail;
  readonly #ready = Promise.withResolvers<void>();
  #watch: NodeJS.Timeout;
  #pid = 0;
  #scratchBytes = 0;
  /** Looking through very many files takes time, which must not be all there is. */
  #nextScratchMs = 0;
  #killedFor: KilledFor | null = null;
  #isKilledHere = false;
  #over = false;

  constructor(options: SlotOptions) {
    this.#options = options;
    this.readDir = join(options.dir, "read");
    this.writeDir = join(options.dir, "write");
    this.#rootDir = join(options.dir, "root");
    mkdirSync(options.dir, { recursive: true, mode: 0o700 });
    // Below a folder of the worker alone: what opens it is for a process with another user.
    mkdirSync(this.readDir, { recursive: true, mode: this.hasOwnUser ? 0o755 : 0o700 });
    mkdirSync(this.writeDir, { recursive: true, mode: 0o700 });
    mkdirSync(this.#rootDir, { recursive: true, mode: 0o700 });
    const { limits } = options;
    this.#tail = new Tail(limits.tailBytes);
    this.#child = this.#spawn();
    this.#channel = this.#open(this.#child.stdio[3]);
    this.ended = this.#watchEnd();
    this.#ready.promise.catch(() => {});
    this.#watch = setTimeout(() => this.#kill(), limits.readyMs);
  }

  /** Resolves when it can take `load`. Rejects when it ends before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Of the process that runs job code; 0 before it is ready. */
  get pid(): number {
    return this.#pid;
  }

  get memoryBytes(): number {
    return this.#options.memoryBytes;
  }

  /** What earlier tasks have left there takes much of what the next one may have. */
  get isCluttered(): boolean {
    return this.#scratchBytes > this.#options.scratchMaxBytes / 2;
  }

  /** It holds much more memory than the engine itself, which others may need. */
  get isHeavy(): boolean {
    const { limits, memoryBytes } = this.#options;
    return ownBytes(this.#pid) > limits.overheadBytes + memoryBytes / 8;
  }

  /** It has loaded this code, and has kept nothing that is wrong where the clock stands at
   *  `clockMs`. */
  knows(code: string, clockMs: number | undefined): boolean {
    return this.code === code && (!this.#hasReadClock || this.clockMs === clockMs);
  }

  get language(): Language {
    return (this.#options.python ?? null) === null ? "javascript" : "python";
  }

  /** Names in `readDir` are read-only by the kernel, whatever file they name. */
  get hidesFiles(): boolean {
    return this.#options.sandbox.launcher !== null;
  }

  /** It reads only files that all users may read. */
  get hasOwnUser(): boolean {
    return this.#options.sandbox.launcher?.hasOwnUsers ?? false;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Replaces the callback that was set before; called at once when the process has ended
   *  already. */
  onEnd(told: ((failure: Failure) => void) | null): void {
    this.#onEnd = told;
    if (this.#failure !== null) told?.(this.#failure);
  }

  /** Dropped when the process has ended. Throws `limit-exceeded` when it is too long. */
  send(message: ToTask): void {
    if (!this.#over) this.#channel?.send(message);
  }

  /** Descriptor 4 of the process: input of map tasks. */
  get input(): Writable {
    return this.#child.stdio[4] as Writable;
  }

  /** Ends it, whatever it does. Resolves when nothing of it is left. */
  async kill(): Promise<void> {
    this.#kill();
    await this.ended;
  }

  #spawn(): ChildProcess {
    const { sandbox, memoryBytes, scratchMaxBytes } = this.#options;
    const { readDir, writeDir } = this;
    const [rootDir, uid] = [this.#rootDir, ownUser(sandbox.launcher, writeDir)];
    const fileMaxBytes = scratchMaxBytes;
    const { python = null } = this.#options;
    const launch = { readDir, writeDir, memoryBytes, fileMaxBytes, rootDir, uid, python };
    const { command, args, env } = launchOf(sandbox, launch);
    const child = spawn(command, args, {
      cwd: writeDir,
      env,
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe"],
      // A process group of its own: what it does to its group, it does to itself.
      detached: true,
      windowsHide: true,
    });
    child.stdout?.on("data", (chunk: Buffer) => this.#wrote(chunk));
    child.stderr?.on("data", (chunk: Buffer) => this.#wrote(chunk));
    // A broken pipe is the end of the process, which `ended` reports.
    for (const stream of child.stdio) stream?.on("error", () => {});
    return child;
  }

  /** Null when the process could not be started: it has no pipes then. */
  #open(pipe: unknown): Channel | null {
    if (pipe === undefined || pipe === null) return null;
    return new Channel(pipe as Duplex, {
      sendMaxBytes: toTaskMaxBytes,
      receiveMaxBytes: fromTaskMaxBytes,
      onMessage: (message) => this.#said(message),
      onEnd: (error) => {
        const end = () => {
          if (this.#over) return;
          this.#killedFor ??= "channel";
          this.#kill();
        };
        // A process that ends loses its pipes first, and then says why by its exit code.
        if (error === null) setTimeout(end, this.#options.limits.muteMs).unref();
        else end();
      },
    });
  }

  #watchEnd(): Promise<Failure> {
    const child = this.#child;
    return new Promise((resolve) => {
      const end = (failure: Failure) => {
        if (this.#over) return;
        this.#over = true;
        clearTimeout(this.#watch);
        if (this.#pid === 0 && !this.#isKilledHere) forgetRemembered();
        const text = `no task process could be started: ${failure.message}`;
        this.#ready.reject(new ClusterError("unavailable", text));
        rmSync(this.#options.dir, { recursive: true, force: true });
        this.#failure = failure;
        resolve(failure);
        this.#onEnd?.(failure);
      };
      child.once("error", (error) => {
        if (child.pid !== undefined) return;
        end({ code: "task-crashed", message: error.message });
      });
      // `close` and not `exit`: by then all that it wrote has been read.
      child.once("close", (code, signal) => {
        const { memoryBytes, scratchMaxBytes, limits } = this.#options;
        const bounds = { memoryBytes, scratchMaxBytes, outputMaxBytes: limits.outputMaxBytes };
        const [tail, killedFor] = [this.#tail.text(), this.#killedFor];
        const isKilledHere = this.#isKilledHere;
        end(failureOf({ code, signal, tail, killedFor, isKilledHere, ...bounds }));
      });
    });
  }

  #wrote(chunk: Buffer): void {
    this.#tail.add(chunk);
    if (this.#tail.sizeBytes <= this.#options.limits.outputMaxBytes) return;
    this.#killedFor ??= "output";
    this.#kill();
  }

  #said(value: unknown): void {
    const message = readFromTask(value);
    // A frame that is no message of ours: only job code writes such.
    if (message === null) return;
    if (message.kind === "ready") void this.#isReady();
    else if (message.kind === "clock-read") this.#hasReadClock = true;
    else this.listen?.(message);
  }

  async #isReady(): Promise<void> {
    if (this.#pid !== 0) return;
    const spawned = this.#child.pid ?? 0;
    this.#pid = this.#options.sandbox.nested ? onlyChild(spawned) : spawned;
    lowerPriority(this.#pid);
    if (!(await boundProcesses(this.#options.sandbox, this.#pid))) return this.#kill();
    if (this.#over) return;
    clearTimeout(this.#watch);
    this.#watch = setInterval(() => this.#sample(), this.#options.limits.sampleMs);
    this.#watch.unref();
    this.#ready.resolve();
  }

  #sample(): void {
    if (this.code === "" || this.#pid === 0) return;
    const { memoryBytes, scratchMaxBytes, limits } = this.#options;
    this.#lookAtScratch();
    if (this.#scratchBytes > scratchMaxBytes) this.#killedFor ??= "scratch";
    if (ownBytes(this.#pid) > memoryBytes + limits.overheadBytes) this.#killedFor ??= "memory";
    if (this.#killedFor !== null) this.#kill();
  }

  #lookAtScratch(): void {
    const beganMs = performance.now();
    if (beganMs < this.#nextScratchMs) return;
    const { scratchMaxBytes } = this.#options;
    this.#scratchBytes = scratchBytes(this.writeDir, this.#pid, scratchMaxBytes);
    this.#nextScratchMs = beganMs + 20 * (performance.now() - beganMs);
  }

  #kill(): void {
    if (this.#over) return;
    this.#isKilledHere = true;
    // The inner one first: the outer one then reports how it ended, and ends too.
    if (this.#options.sandbox.nested) {
      const inner = onlyChild(this.#child.pid ?? 0);
      if (inner !== 0) signal(inner);
    }
    this.#child.kill("SIGKILL");
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The supervisor's heartbeat goes first, and when memory runs out the kernel takes the task, not
 *  the worker. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, 5);
    writeFileSync(`/proc/${pid}/oom_score_adj`, "800");
  } catch {
    // Not Linux, or not allowed: it works without.
  }
}
