/** The real command line as a process, in a directory of its own, for tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { atEnd } from "../../src/store/testing/at-end.ts";
import { compileCache } from "../compile-cache.ts";

export const repository = fileURLToPath(new URL("../..", import.meta.url));
const entry = join(repository, "bin", "tequio.js");

/** Longest that one command may take, in ms: far above what any takes, so that a hang is reported
 *  as one. */
const commandMs = 180_000;
/** Commands that run until they are stopped: as long as their test does. */
const servers = new Set(["up", "join", "gateway", "share", "fs"]);

export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

export type Running = {
  readonly child: ChildProcess;
  /** Resolves with everything that was written so far once it contains `text`; rejects when it
   *  ended first. */
  said(text: string): Promise<string>;
  readonly ended: Promise<Ended>;
};

/** A directory with files, temporary files and a data directory that no other test sees. */
export class Place {
  readonly dir: string;
  readonly #running: ChildProcess[] = [];

  constructor(t: TestContext, files: Readonly<Record<string, string>> = {}) {
    this.dir = mkdtempSync(join(tmpdir(), "tequio-cli-"));
    for (const name of ["data", "tmp"]) mkdirSync(join(this.dir, name));
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    atEnd(t, () => this.#close());
  }

  write(name: string, text: string): string {
    const path = join(this.dir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.dir, name), "utf8");
  }

  /** What commands have left in their temporary directory: nothing, when all went well. */
  leftovers(): string[] {
    return readdirSync(join(this.dir, "tmp")).filter((name) => name.startsWith("tequio-"));
  }

  start(...args: string[]): Running {
    return this.startBy([], ...args);
  }

  /** As `start`, by a command that runs others: on another machine, say. */
  startBy(before: readonly string[], ...args: string[]): Running {
    return this.startProgram(before, entry, ...args);
  }

  startProgram(before: readonly string[], program: string, ...args: string[]): Running {
    const env = {
      PATH: process.env.PATH,
      HOME: this.dir,
      TMPDIR: join(this.dir, "tmp"),
      ...compileCache,
      TEQUIO_DATA: join(this.dir, "data"),
    };
    const [command, ...rest] = [...before, process.execPath, program, ...args];
    const child = spawn(command!, rest, {
      cwd: this.dir,
      env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#running.push(child);
    return running(child, args);
  }

  async run(...args: string[]): Promise<Ended> {
    const { child, ended } = this.start(...args);
    child.stdin?.end();
    return ended;
  }

  /** Processes of this place that still run, of any parent. */
  processes(): number[] {
    const all = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
    return all.map(Number).filter((pid) => environmentOf(pid).includes(`TMPDIR=${this.dir}/`));
  }

  #close(): void {
    for (const child of this.#running) child.kill("SIGKILL");
    if (process.platform === "linux") {
      for (const pid of this.processes()) process.kill(pid, "SIGKILL");
    }
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch {
    return "";
  }
}

function running(child: ChildProcess, args: readonly string[]): Running {
  let out = "";
  let err = "";
  const heard = new EventTarget();
  const hear = (chunk: string, isOut: boolean) => {
    if (isOut) out += chunk;
    else err += chunk;
    heard.dispatchEvent(new Event("text"));
  };
  child.stdout?.setEncoding("utf8").on("data", (chunk) => hear(chunk, true));
  child.stderr?.setEncoding("utf8").on("data", (chunk) => hear(chunk, false));
  const isServer = servers.has(args[0] ?? "");
  const limit = isServer ? undefined : setTimeout(() => child.kill("SIGKILL"), commandMs);
  const ended = once(child, "close").then(([code]): Ended => {
    clearTimeout(limit);
    heard.dispatchEvent(new Event("text"));
    return { code, out, err };
  });
  const said = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if ((out + err).includes(text)) resolve(out + err);
        else if (child.exitCode === null && child.signalCode === null) return;
        else reject(new Error(`${args.join(" ")} ended without saying "${text}": ${out}${err}`));
        heard.removeEventListener("text", look);
      };
      heard.addEventListener("text", look);
      look();
    });
  return { child, said, ended };
}
