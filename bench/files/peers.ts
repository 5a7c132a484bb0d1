/** Our own commands as processes: sharing until they are stopped, and fetching. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { cli } from "../../test/fixtures/cluster.ts";

export type Sharing = { readonly link: string; readonly root: string; stop(): Promise<void> };

/** Everything that the commands remember lies in `dir`. */
function environment(dir: string): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: dir };
}

export async function share(args: readonly string[], dir: string): Promise<Sharing> {
  const child = spawn(process.execPath, [cli, "share", "--json", ...args], {
    env: environment(dir),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { link, files } = JSON.parse(String(line));
  return { link, root: files[0].root, stop: () => ended(child, "SIGTERM") };
}

/** Runs a command to its end; its standard output. */
export async function tequio(args: readonly string[], dir: string): Promise<string> {
  const child = start(args, dir);
  let out = "";
  child.stdout?.on("data", (text) => {
    out += text;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`tequio ${args.join(" ")} ended with ${code}`);
  return out;
}

export function start(args: readonly string[], dir: string): ChildProcess {
  return spawn(process.execPath, [cli, ...args], {
    env: environment(dir),
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}
