/** Rivals that run tasks: queues and schedulers that people use, each with two worker processes. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { installRivals } from "./install.ts";
import { type LineProgram, startProgram } from "./line-program.ts";
import { hasPostgres, type Server, startNats, startPostgres, startRedis } from "./servers.ts";

export type TaskRival = {
  readonly name: string;
  /** Tasks of one round, so that it takes about a second. */
  readonly count: number;
  /** How to get it. */
  readonly install: string;
  /** Why it cannot run here; null when it can. */
  missing(): string | null;
  start(): Promise<LineProgram>;
};

export const python = "/usr/bin/python3";
const programs = join(import.meta.dirname, "tasks");

export function has(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

export const taskRivals: readonly TaskRival[] = [
  {
    name: "graphile-worker + PostgreSQL (synced)",
    count: 10_000,
    install: "apt install postgresql",
    missing: () => (hasPostgres() ? installRivals(() => {}) : "PostgreSQL is not installed"),
    start: () =>
      withServer(startPostgres, "graphile-worker.mjs", (port) => {
        return `postgres://bench@127.0.0.1:${port}/postgres`;
      }),
  },
  {
    name: "NATS JetStream work queue (file)",
    count: 10_000,
    install: "apt install nats-server",
    missing: () =>
      has("nats-server", "--version") ? installRivals(() => {}) : "nats-server is not installed",
    start: () => withServer(startNats, "jetstream.mjs", String),
  },
  {
    name: "BullMQ + Redis (synced each second)",
    count: 5_000,
    install: "apt install redis-server",
    missing: () =>
      has("redis-server", "--version") ? installRivals(() => {}) : "redis-server is not installed",
    start: () => withServer(startRedis, "bullmq.mjs", String),
  },
  {
    name: "Dask distributed (nothing kept)",
    count: 500,
    install: "apt install python3-distributed",
    missing: () => (has(python, "-c", "import distributed") ? null : "Dask is not installed"),
    start: () => startProgram(python, [join(programs, "dask-tasks.py")]),
  },
  {
    name: "xargs -P2 (nothing kept)",
    count: 1_000,
    install: "apt install findutils",
    missing: () => (has("xargs", "--version") ? null : "xargs is not installed"),
    start: async () => ({ run: async (count) => xargs(count), stop: async () => {} }),
  },
];

async function withServer(
  startServer: () => Promise<Server>,
  program: string,
  address: (port: number) => string,
): Promise<LineProgram> {
  const server = await startServer();
  try {
    const args = [join(programs, program), address(server.port)];
    const running = await startProgram(process.execPath, args);
    return {
      run: (count) => running.run(count),
      async stop() {
        await running.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function xargs(count: number): number {
  const input = Array.from({ length: count }, (_, index) => `${index}\n`).join("");
  const startedMs = performance.now();
  const { status } = spawnSync("xargs", ["-P2", "-n1", "true"], { input });
  if (status !== 0) throw new Error(`xargs ended with ${status}`);
  return performance.now() - startedMs;
}
