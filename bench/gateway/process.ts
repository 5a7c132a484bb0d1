/** A gateway as a process, and other processes that a benchmark of it needs. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cli } from "../../test/fixtures/cluster.ts";

export type GatewayProcess = {
  readonly socket: string;
  readonly url: string;
  readonly pid: number;
};

/** Runs `use` with a gateway, and ends it. */
export async function withGateway<T>(
  args: readonly string[],
  use: (gateway: GatewayProcess) => Promise<T>,
): Promise<T> {
  const command = [cli, "gateway", "--json", "--listen", "127.0.0.1:0", ...args];
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const failed = exited.then(([code]) => {
    throw new Error(`tequio gateway ended with code ${code}`);
  });
  failed.catch(() => {});
  try {
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([once(lines, "line"), failed]);
    return await Promise.race([use(JSON.parse(line)), failed]);
  } finally {
    child.kill("SIGTERM");
    await exited;
  }
}

export function child(name: string, ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, name), args, { stdio: "inherit" });
}

/** Its next message of this kind. Rejects when it ends before. */
export async function told<T>(from: ChildProcess, isIt: (message: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("a process of the benchmark has ended"));
    const hear = (message: unknown) => {
      if (!isIt(message as T)) return;
      from.off("message", hear).off("exit", ended);
      resolve(message as T);
    };
    from.on("message", hear).once("exit", ended);
  });
}
