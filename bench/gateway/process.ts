/** A gateway as a process, and other processes that a benchmark of it needs. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { cli } from "../../test/fixtures/cluster.ts";
import { Started } from "../../test/fixtures/started.ts";

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
  const gateway = Started.node(command);
  const failed = gateway.ended.then(({ code, err }) => {
    throw new Error(`tequio gateway ended with code ${code}: ${err}`);
  });
  failed.catch(() => {});
  try {
    return await Promise.race([use(JSON.parse(await gateway.nextLine())), failed]);
  } finally {
    await gateway.stop();
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
