/** A cluster of real processes on loopback, for the demo and the benchmarks: `tequio up` in a data
 *  directory of its own, gone at the end with everything that it started. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

export const root = dirname(import.meta.dirname);
export const cli = join(root, "bin", "tequio.js");

export type Cluster = {
  readonly url: string;
  readonly dataDir: string;
  /** Brings workers: of the line by which others join, and of the link that tabs open. */
  readonly joinToken: string;
  /** Process of the coordinator; the workers are its children. */
  readonly pid: number;
  adminToken(): string;
  /** Ends every process and removes the data directory. May be called twice. */
  stop(): Promise<void>;
};

/** How long `up` may take to answer, and to end after SIGTERM, in ms. */
const startMs = 60_000;
const stopMs = 30_000;

/** `options`: further ones of `tequio up`. */
export async function startCluster(
  workers: number,
  options: readonly string[] = [],
): Promise<Cluster> {
  const dataDir = mkdtempSync(join(tmpdir(), "tequio-cluster-"));
  const up = ["up", "--json", "--listen", "127.0.0.1:0", "--data", dataDir];
  const child = spawn(process.execPath, [cli, ...up, "--workers", String(workers), ...options], {
    // A group of its own: Ctrl-C reaches only us, and we end it in order.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors: string[] = [];
  child.stderr.on("data", (chunk) => errors.push(String(chunk)));
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    return stopCluster(child, dataDir);
  };
  try {
    const { join: line, url } = await firstLine(child, errors);
    const joinToken = /--token (\S+)/.exec(line)?.[1] ?? "";
    child.once("exit", (code, signal) => {
      // The user of the cluster only sees that it does not answer any more.
      if (!isStopping) console.error(`tequio up ended with ${signal ?? code}\n${errors.join("")}`);
    });
    const adminToken = () => readFileSync(join(dataDir, "admin.token"), "utf8").trim();
    return { url, dataDir, joinToken, pid: child.pid!, adminToken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function firstLine(
  child: ChildProcess,
  errors: readonly string[],
): Promise<{ readonly url: string; readonly join: string }> {
  const lines = createInterface({ input: child.stdout! });
  const signal = AbortSignal.timeout(startMs);
  const ended = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`tequio up ended with code ${code}\n${errors.join("").trim()}`);
  });
  const [line] = await Promise.race([once(lines, "line", { signal }), ended]);
  ended.catch(() => {});
  return JSON.parse(line);
}

async function stopCluster(child: ChildProcess, dataDir: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    const hard = setTimeout(() => killGroup(child.pid!), stopMs);
    await exited;
    clearTimeout(hard);
  }
  killGroup(child.pid!);
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The whole group has ended, as it should.
  }
}
