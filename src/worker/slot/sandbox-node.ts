/** How a task process is kept apart: its arguments, its environment and, where the host can, its
 *  namespaces.
 *
 *  strict with bubblewrap: the kernel shows it nothing of the host but what `mounts.ts` lists.
 *  strict without: own network namespace without interfaces, own process namespace (no other
 *  process can be signalled), no capabilities, and it dies with its worker; files are kept from it
 *  by Node's permission model alone, which is a seat belt and no wall. basic: that model alone;
 *  the network stays open. Where no kernel keeps files read-only, inputs are copied. See
 *  docs/decisions/0003-task-processes.md. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ClusterError } from "../../core/error.ts";
import { bubblewrap, enginePaths } from "./mounts.ts";

export type SandboxMode = "strict" | "basic" | "auto";

export type Sandbox = {
  readonly profile: "strict" | "basic";
  /** Commands that Node is started through; empty = directly. */
  readonly prefix: readonly string[];
  /** It sees only files that it is given, and cannot write what it is given to read. */
  readonly hidesFiles: boolean;
  /** In strict the task process is a child of what is spawned. */
  readonly nested: boolean;
  /** The system can bound the size of files; how many there are, is watched. */
  readonly boundsFiles: boolean;
};

const probeTimeoutMs = 5_000;
/** It ends when its parent does, and never gains rights. */
const setpriv = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--"];
const filesBelow = (bytes: number) => ["prlimit", `--fsize=${bytes}`, "--"];
const namespaces = ["--net", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--"];

/** Tries once what this host allows. Throws `unavailable` when strict is asked for and impossible.
 *  */
export async function probeSandbox(mode: SandboxMode): Promise<Sandbox> {
  const onLinux = process.platform === "linux";
  const tied = onLinux && (await works(setpriv)) ? setpriv : [];
  const boundsFiles = onLinux && (await works(filesBelow(1 << 20)));
  if (mode !== "basic" && onLinux) {
    const view = { readable: enginePaths(), writable: tmpdir() };
    if (await works([...tied, ...bubblewrap(view)])) {
      const strict = { profile: "strict", prefix: tied, nested: true, boundsFiles } as const;
      return { ...strict, hidesFiles: true };
    }
    for (const how of [["unshare", "--user"], ["unshare"]]) {
      const prefix = [...tied, ...how, ...namespaces];
      if (!(await works(prefix))) continue;
      return { profile: "strict", prefix, hidesFiles: false, nested: true, boundsFiles };
    }
  }
  if (mode === "strict") {
    const why = onLinux
      ? "`unshare --user --net --pid` is refused; allow unprivileged user namespaces or run as root"
      : `${process.platform} has no network namespaces`;
    const text = `the strict sandbox cannot be had here: ${why}; --sandbox basic runs trusted jobs`;
    throw new ClusterError("unavailable", text);
  }
  return { profile: "basic", prefix: tied, hidesFiles: false, nested: false, boundsFiles };
}

function works(prefix: readonly string[]): Promise<boolean> {
  return new Promise((done) => {
    const [command, ...args] = [...prefix, process.execPath, "--version"];
    const probe = spawn(command!, args, { stdio: "ignore", timeout: probeTimeoutMs });
    probe.once("error", () => done(false));
    probe.once("exit", (code) => done(code === 0));
  });
}

export type Launch = { readonly command: string; readonly args: readonly string[] };

export type LaunchOptions = {
  /** May be read: linked job files, fetched partitions. */
  readonly readDir: string;
  /** May be read and written; also the working directory. */
  readonly writeDir: string;
  readonly memoryBytes: number;
  /** Of each file that it writes. */
  readonly fileMaxBytes: number;
};

/** Either the sources (run by type stripping) or what was built of them: the same layout. */
const here = fileURLToPath(import.meta.url);
const codeRoot = resolve(dirname(here), "../..");
const entry = join(codeRoot, `worker/process/main${here.endsWith(".ts") ? ".ts" : ".js"}`);
const seatBelt = join(dirname(here), `seat-belt${here.endsWith(".ts") ? ".ts" : ".js"}`);
const packageFile = join(codeRoot, "../package.json");
const hardening = hardeningFlags();

export function launchOf(sandbox: Sandbox, options: LaunchOptions): Launch {
  const heapMb = Math.max(16, Math.floor(options.memoryBytes / 1024 / 1024));
  const readable = [codeRoot, options.readDir, options.writeDir];
  if (existsSync(packageFile)) readable.push(packageFile);
  const [command, ...args] = [
    ...sandbox.prefix,
    ...(sandbox.boundsFiles ? filesBelow(options.fileMaxBytes) : []),
    ...(sandbox.hidesFiles ? viewOf(readable, options.writeDir) : []),
    process.execPath,
    "--permission",
    ...readable.map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${options.writeDir}`,
    `--max-old-space-size=${heapMb}`,
    // Of new objects the engine keeps three times this: 48 MiB, unless it is bounded.
    `--max-semi-space-size=${Math.min(16, Math.max(1, heapMb >> 5))}`,
    ...hardening,
    `--import=${pathToFileURL(seatBelt).href}`,
    entry,
  ];
  return { command: command!, args };
}

function viewOf(readable: readonly string[], writeDir: string): string[] {
  const given = readable.filter((path) => path !== writeDir);
  return bubblewrap({ readable: [...enginePaths(), ...given], writable: writeDir });
}

/** Those that this Node knows. The database module ignores the permission model, so it goes. */
function hardeningFlags(): string[] {
  const flags = ["--no-warnings", "--disable-sigusr1", "--no-experimental-sqlite"];
  const known = process.allowedNodeEnvironmentFlags;
  return flags.filter((flag) => known.has(flag.split("=")[0]!));
}
