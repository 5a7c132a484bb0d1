/** A real cluster of real processes for tests that kill them: `tequio up` and its workers on
 *  loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../../src/sdk/client.ts";
import { compileCache } from "../fixtures/compile-cache.ts";
import { programFile } from "../fixtures/programs.ts";

/** An `up` that has not printed its address by then has failed. */
const startMaxMs = 30_000;

export class KillableCluster {
  readonly dataDir: string;
  url = "";
  #listen = "127.0.0.1:0";
  #up: ChildProcess | null = null;
  readonly #workers: number;
  readonly #killed = new Set<number>();

  /** `below`: where its data directory is made. */
  constructor(workers: number, below = tmpdir()) {
    this.dataDir = mkdtempSync(join(below, "tequio-kills-"));
    this.#workers = workers;
  }

  /** Starts `up`; after a kill, on the same data and port. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const options = ["--json", "--lease", "3s", "--workers", String(this.#workers)];
    const child = spawn(
      process.execPath,
      [programFile("tequio"), "up", ...options, "--data", this.dataDir, "--listen", this.#listen],
      {
        env: { ...process.env, ...compileCache },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const timer = setTimeout(() => reject(new Error(`up is silent: ${said}`)), startMaxMs);
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said = (said + chunk).slice(-4_000);
    });
    let line = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      line += chunk;
      if (line.includes("\n")) resolve(JSON.parse(line.slice(0, line.indexOf("\n"))).url);
    });
    child.once("exit", (code) => reject(new Error(`up ended with ${code}: ${said}`)));
    this.#up = child;
    try {
      this.url = await promise;
    } finally {
      clearTimeout(timer);
    }
    this.#listen = new URL(this.url).host;
  }

  client(): Client {
    const token = readFileSync(join(this.dataDir, "admin.token"), "utf8").trim();
    return new Client({ url: this.url, token });
  }

  /** Process of the coordinator; null when it does not run. */
  get pid(): number | null {
    const child = this.#up;
    return child === null || child.exitCode !== null || child.signalCode !== null
      ? null
      : (child.pid ?? null);
  }

  /** kill -9 of the coordinator; its workers live on. */
  async killCoordinator(): Promise<void> {
    const child = this.#up;
    if (child === null || child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** kill -9; false when it was dead by then. */
  killWorker(pid: number): boolean {
    this.#killed.add(pid);
    try {
      return process.kill(pid, "SIGKILL");
    } catch {
      return false;
    }
  }

  /** Process ids of the workers' supervisors that are alive now. One that was killed may still have
   *  an entry in the system's table. */
  workerPids(): number[] {
    const dir = join(this.dataDir, "workers");
    const pids: number[] = [];
    for (const name of readdirSync(dir)) {
      try {
        const { pid } = JSON.parse(readFileSync(join(dir, name, "process.json"), "utf8"));
        process.kill(pid, 0);
        if (!this.#killed.has(pid)) pids.push(pid);
      } catch {
        // Not started yet, being replaced, or dead.
      }
    }
    return pids;
  }

  /** Workers that are recorded nowhere: an `up` was killed at that moment. */
  #strays(): number[] {
    if (!existsSync("/proc/self/cmdline")) return [];
    return readdirSync("/proc")
      .filter((name) => {
        try {
          return (
            /^\d+$/.test(name) &&
            readFileSync(`/proc/${name}/cmdline`, "utf8").includes(this.dataDir)
          );
        } catch {
          return false;
        }
      })
      .map(Number);
  }

  async stop(): Promise<void> {
    const child = this.#up;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    for (const pid of [...this.workerPids(), ...this.#strays()]) this.killWorker(pid);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
