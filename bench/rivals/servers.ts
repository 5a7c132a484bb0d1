/** Servers that rivals need: each on loopback, on a port that the system picks, with its data in a
 *  directory of its own, and gone at the end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { freePort } from "../../test/fixtures/free-port.ts";

export type Server = {
  readonly port: number;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
};

const startMs = 20_000;

/** Appends to its file and syncs it each second: a crash may cost the last second. */
export function startRedis(): Promise<Server> {
  return startServer("redis", (port, dir) => {
    const kept = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""];
    return ["redis-server", "--port", `${port}`, "--bind", "127.0.0.1", "--dir", dir, ...kept];
  });
}

/** Keeps its stream in files, which it syncs every two minutes. */
export function startNats(): Promise<Server> {
  return startServer("nats", (port, dir) => {
    return ["nats-server", "-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", dir];
  });
}

/** Syncs every commit. It refuses to run as root, so root runs it as another user. */
export function startPostgres(): Promise<Server> {
  const bin = postgresBin();
  const as = process.getuid?.() === 0 ? { uid: idOf("-u"), gid: idOf("-g") } : {};
  const command = (port: number, dir: string) => {
    if (as.uid !== undefined) chownSync(dir, as.uid, as.gid);
    const data = join(dir, "data");
    const init = ["-D", data, "-U", "bench", "-A", "trust", "-N"];
    const options = { encoding: "utf8", cwd: dir, ...as } as const;
    const { status, stderr } = spawnSync(join(bin, "initdb"), init, options);
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
    const settings = ["-h", "127.0.0.1", "-p", `${port}`, "-k", dir];
    return [join(bin, "postgres"), "-D", data, ...settings];
  };
  return startServer("postgres", command, as);
}

export function hasPostgres(): boolean {
  return postgresBin() !== "";
}

/** Debian keeps it out of the PATH, by version. */
function postgresBin(): string {
  const all = "/usr/lib/postgresql";
  if (!existsSync(all)) return "";
  const bins = readdirSync(all).map((version) => join(all, version, "bin"));
  return bins.filter((bin) => existsSync(join(bin, "initdb"))).at(-1) ?? "";
}

function idOf(which: "-u" | "-g"): number {
  return Number(spawnSync("id", [which, "postgres"], { encoding: "utf8" }).stdout);
}

async function startServer(
  name: string,
  command: (port: number, dir: string) => readonly string[],
  as: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Server> {
  const dir = newFolder(`bench-${name}-`);
  const port = await freePort();
  const [file, ...args] = command(port, dir);
  const child = spawn(file!, args, { cwd: dir, stdio: "ignore", ...as });
  const stop = async () => {
    await end(child);
    removeFolder(dir);
  };
  const failed = once(child, "error").then(([error]) => Promise.reject(error));
  try {
    await Promise.race([accepts(child, port), failed]);
  } catch (error) {
    await stop();
    throw new Error(`${name} does not start: ${(error as Error).message}`);
  }
  failed.catch(() => {});
  return { port, stop };
}

async function accepts(child: ChildProcess, port: number): Promise<void> {
  const giveUpAtMs = performance.now() + startMs;
  while (performance.now() < giveUpAtMs && child.exitCode === null) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      await delay(50);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`it accepts nothing on port ${port} within ${startMs} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGINT");
  const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await exited;
  clearTimeout(hard);
}
