/** How a task process is kept apart: its arguments, its environment and, where the host can, its
 *  namespaces.
 *
 *  strict: a launcher of `walls/` builds a view in which the kernel shows nothing of the host but
 *  what is listed there. strict where no launcher works: own network namespace without interfaces,
 *  own process namespace (no other process can be signalled), no capabilities, and it dies with its
 *  worker; files are kept from it by Node's permission model alone, which is a seat belt and no
 *  wall. basic: that model alone; the network stays open. Where no kernel keeps files read-only,
 *  inputs are copied. See docs/decisions/0003-task-processes.md. */
import { spawn } from "node:child_process";
import { chownSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ClusterError } from "../../core/error.ts";
import { endsWithParent } from "../process/exits.ts";
import { type TaskProgram, taskProgram } from "./program.ts";
import { type Python, pythonCommand, pythonEnvironment, pythonFlags } from "./python.ts";
import { probeMaxMs, remembered, stampOfFiles, stampOfRights } from "./remembered.ts";
import { bubblewrap } from "./walls/bubblewrap.ts";
import { nextUid, pivotRoot } from "./walls/pivot.ts";
import {
  enginePaths,
  type FindTool,
  findTool,
  type Launcher,
  type SandboxView,
} from "./walls/view.ts";

export type SandboxMode = "strict" | "basic" | "auto";

export type Sandbox = {
  readonly profile: "strict" | "basic";
  /** Commands that Node is started through; empty = directly. */
  readonly prefix: readonly string[];
  /** With one, the process sees only files that it is given, and cannot write what it is given to
   *  read. */
  readonly launcher: Launcher | null;
  /** In strict the task process is a child of what is spawned. */
  readonly nested: boolean;
  readonly program: TaskProgram;
  /** The system can bound the size of files; how many there are, is watched. */
  readonly boundsFiles: boolean;
  /** Processes and threads of one task process, its own among them; 0: the system bounds none. */
  readonly processMax: number;
};

/** It ends when its parent does, and never gains rights. */
const setpriv = ["setpriv", "--pdeathsig", "KILL", "--no-new-privs", "--"];
const filesBelow = (bytes: number) => ["prlimit", `--fsize=${bytes}`, "--"];
/** Node itself starts 10 to 20 threads. */
const processMax = 64;
const namespaces = ["--net", "--ipc", "--pid", "--fork", "--kill-child=KILL", "--"];

/** Tries once what this host allows. Throws `unavailable` when strict is asked for and impossible.
 *  `find` stands for what is installed. */
export async function probeSandbox(mode: SandboxMode, find: FindTool = findTool): Promise<Sandbox> {
  const onLinux = process.platform === "linux";
  if (mode !== "basic" && onLinux) {
    const best = await bestSandbox(find);
    if (best !== null) return best;
  }
  const [isTied, boundsFiles, program] = await Promise.all([
    onLinux && works(setpriv),
    onLinux && works(filesBelow(1 << 20)),
    taskProgram(),
  ]);
  const tied = isTied ? setpriv : [];
  const common = { prefix: tied, launcher: null, program, boundsFiles, processMax: 0 };
  if (mode !== "basic" && onLinux) {
    const strict = { ...common, profile: "strict", nested: true } as const;
    const readable = [program.folder];
    const node = { command: engineVersion, engine: enginePaths(), readable };
    for (const launcher of launchers(find)) {
      if (!(await canLaunch(tied, launcher, node))) continue;
      const bounds = boundsFiles && (launcher.hasOwnUsers || countsByNamespace());
      return { ...strict, launcher, processMax: bounds ? processMax : 0 };
    }
    for (const how of [["unshare", "--user"], ["unshare"]]) {
      const prefix = [...tied, ...how, ...namespaces];
      if (!(await works(prefix))) continue;
      const bounds = boundsFiles && how.length > 1 && countsByNamespace();
      return { ...strict, prefix, processMax: bounds ? processMax : 0 };
    }
  }
  if (mode === "strict") {
    const why = onLinux
      ? "`unshare --user --net --pid` is refused; allow unprivileged user namespaces or run as root"
      : `${process.platform} has no network namespaces`;
    const text = `the strict sandbox cannot be had here: ${why}; --sandbox basic runs trusted jobs`;
    throw new ClusterError("unavailable", text);
  }
  return { ...common, profile: "basic", nested: false };
}

/** What most hosts allow, tried as a whole: one start of processes instead of one for each of its
 *  parts. Null: some part of it does not work here. */
async function bestSandbox(find: FindTool): Promise<Sandbox | null> {
  const [launcher] = launchers(find);
  const program = await taskProgram();
  if (launcher === undefined) return null;
  const node = { command: engineVersion, engine: enginePaths(), readable: [program.folder] };
  const all = [...setpriv, ...filesBelow(1 << 20)];
  const before = ["setpriv", "prlimit"].map((name) => findTool(name) ?? name);
  const tools = [...before, ...launcher.tools];
  const isUsual = await remembered({
    name: `launches by ${launcher.name} with ${all.join(" ")}`,
    stampOf: () => `${stampOfFiles(tools)}\n${stampOfRights()}`,
    find: async () => ((await canLaunch(all, launcher, node)) ? true : null),
  });
  if (isUsual !== true) return null;
  const isBound = launcher.hasOwnUsers || countsByNamespace();
  const common = { prefix: setpriv, launcher, program, nested: true, boundsFiles: true } as const;
  return { ...common, profile: "strict", processMax: isBound ? processMax : 0 };
}

/** The best first. Only a launcher that gives processes users of their own can bound how many there
 *  are of them where the worker is root, since the kernel bounds none of root's. */
function launchers(find: FindTool): Launcher[] {
  const wrap = bubblewrap(find);
  const pivot = pivotRoot(find);
  // Another user could not read what such a worker writes for it.
  const hidesNewFiles = (process.umask() & constants.S_IROTH) !== 0;
  if (pivot?.hasOwnUsers && hidesNewFiles) return wrap === null ? [] : [wrap];
  const ordered = pivot?.hasOwnUsers ? [pivot, wrap] : [wrap, pivot];
  return ordered.filter((launcher) => launcher !== null);
}

/** Since Linux 5.14 the processes of a user are counted in each user namespace for itself; before,
 *  a bound would count all that the worker's user runs. */
function countsByNamespace(): boolean {
  const [major = 0, minor = 0] = release().split(".").map(Number);
  return process.getuid?.() !== 0 && (major > 5 || (major === 5 && minor >= 14));
}

export async function canLaunch(
  tied: readonly string[],
  launcher: Launcher,
  program: Program,
): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), "sandbox-"));
  const [rootDir, writable] = [join(dir, "root"), join(dir, "write")];
  try {
    for (const each of [rootDir, writable]) mkdirSync(each);
    const uid = ownUser(launcher, writable);
    const view = { ...program, writable, rootDir, uid, processMax };
    return await works([...tied, ...launcher.launch(view)], []);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Whether Python runs in this sandbox: task processes may have no right to read its files. */
export async function runsPython(sandbox: Sandbox, python: Python): Promise<boolean> {
  const { launcher, prefix } = sandbox;
  const command = [python.executable, ...pythonFlags, "-c", "import hashlib, json, zlib"];
  const engine = stampOfFiles([...python.engine, ...python.readable]);
  const runs = await remembered({
    name: `runs ${command.join(" ")} by ${JSON.stringify([launcher?.name, prefix])}`,
    stampOf: () => `${engine}\n${stampOfRights()}`,
    find: async () => {
      const isRunning = await (launcher === null
        ? works(prefix, command)
        : canLaunch(prefix, launcher, { ...python, command }));
      return isRunning ? true : null;
    },
  });
  return runs === true;
}

/** A user for one process where the launcher gives it one; its scratch is that user's then. */
export function ownUser(launcher: Launcher | null, writable: string): number | null {
  if (launcher === null || !launcher.hasOwnUsers) return null;
  const uid = nextUid();
  chownSync(writable, uid, uid);
  return uid;
}

const engineVersion = [process.execPath, "--version"];

function works(prefix: readonly string[], program = engineVersion): Promise<boolean> {
  return new Promise((done) => {
    const [command, ...args] = [...prefix, ...program];
    const probe = spawn(command!, args, { stdio: "ignore", timeout: probeMaxMs });
    probe.once("error", () => done(false));
    probe.once("exit", (code) => done(code === 0));
  });
}

export type Launch = {
  readonly command: string;
  readonly args: readonly string[];
  /** All of it: nothing of the worker's, no secrets, no NODE_OPTIONS. */
  readonly env: Readonly<Record<string, string>>;
};

export type LaunchOptions = {
  /** May be read: linked job files, fetched partitions. */
  readonly readDir: string;
  /** May be read and written; also the working directory. */
  readonly writeDir: string;
  readonly memoryBytes: number;
  /** Of each file that it writes. */
  readonly fileMaxBytes: number;
  /** Empty; a launcher puts its view together on it. */
  readonly rootDir: string;
  /** From `ownUser`. */
  readonly uid: number | null;
  /** What runs there; null = this Node. */
  readonly python: Python | null;
};

/** A program, and what it has to see. */
type Program = Pick<SandboxView, "command" | "engine" | "readable">;

const environment = { PATH: "/usr/bin:/bin", LANG: "C.UTF-8", TZ: "UTC" };

const hardening = hardeningFlags();

export function launchOf(sandbox: Sandbox, options: LaunchOptions): Launch {
  const { launcher, processMax } = sandbox;
  const { python, writeDir, rootDir, uid } = options;
  const program = python === null ? nodeProgram(sandbox, options) : pythonProgram(python, options);
  const view = { ...program, writable: writeDir, rootDir, uid, processMax };
  const [command, ...args] = [
    ...sandbox.prefix,
    ...(sandbox.boundsFiles ? filesBelow(options.fileMaxBytes) : []),
    ...(launcher === null ? program.command : launcher.launch(view)),
  ];
  const env = python === null ? environment : { ...environment, ...pythonEnvironment };
  return { command: command!, args, env };
}

function pythonProgram(python: Python, options: LaunchOptions): Program {
  const { engine, readable } = python;
  const command = pythonCommand(python, options);
  return { command, engine, readable: [...readable, options.readDir] };
}

function nodeProgram(
  { launcher, prefix, program }: Sandbox,
  { readDir, writeDir, ...options }: LaunchOptions,
): Program {
  const heapMb = Math.max(16, Math.floor(options.memoryBytes / 1024 / 1024));
  const readable = [program.folder, readDir];
  const node = [
    process.execPath,
    "--permission",
    ...[...readable, writeDir].map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${writeDir}`,
    `--max-old-space-size=${heapMb}`,
    // Of new objects the engine keeps three times this: 48 MiB, unless it is bounded.
    `--max-semi-space-size=${Math.min(16, Math.max(1, heapMb >> 5))}`,
    ...hardening,
    `--import=${pathToFileURL(program.seatBelt).href}`,
    program.main,
    ...(launcher !== null || prefix.length > 0 ? [endsWithParent] : []),
  ];
  return { command: node, engine: enginePaths(), readable };
}

/** Bounds how many processes and threads there may be of a task process that runs already, where
 *  its launcher does not: a bound that is set before would count what the worker's user runs. */
export function boundProcesses(sandbox: Sandbox, pid: number): Promise<boolean> {
  const isBound = sandbox.processMax === 0 || sandbox.launcher?.boundsProcesses;
  if (isBound) return Promise.resolve(true);
  return works(["prlimit", `--pid=${pid}`, `--nproc=${sandbox.processMax}`], []);
}

/** Those that this Node knows. The database module ignores the permission model, so it goes. From
 *  Node 26 on even a pipe is a matter of the network; a task process gives that right up as soon as
 *  it has its channel. */
function hardeningFlags(): string[] {
  const flags = ["--no-warnings", "--disable-sigusr1", "--no-experimental-sqlite", "--allow-net"];
  const known = process.allowedNodeEnvironmentFlags;
  return flags.filter((flag) => known.has(flag.split("=")[0]!));
}
