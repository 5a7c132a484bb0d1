/** What one task process may see of the host, and the programs that build it such a view. Nothing
 *  here knows which engine runs in it. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { probeMaxMs } from "../remembered.ts";

/** All paths are absolute and are seen under the same names. Descriptors beyond 2 that the launcher
 *  inherits, the engine inherits too. */
export type SandboxView = {
  /** Of the engine, its path first. It runs as the first process of its namespace. */
  readonly command: readonly string[];
  /** The engine and its libraries: read-only, and the only files that may be executed. */
  readonly engine: readonly string[];
  /** Files and folders, read-only. */
  readonly readable: readonly string[];
  /** The scratch folder, and the working directory. */
  readonly writable: string;
  /** An empty folder on which the view may be put together; nothing above lies in it. */
  readonly rootDir: string;
  /** The user and group of the host that the engine runs as; null: those of the worker. */
  readonly uid: number | null;
  /** Processes and threads, those of the engine among them; 0: not bounded. */
  readonly processMax: number;
};

/** The path of a program of the host; null when it is not installed. */
export type FindTool = (name: string) => string | null;

export type Launcher = {
  readonly name: "bubblewrap" | "pivot_root";
  /** Gives every process a user of its own, to which its scratch must belong. */
  readonly hasOwnUsers: boolean;
  /** The programs that it runs, absolute. */
  readonly tools: readonly string[];
  /** Sets `processMax` itself; otherwise the worker sets it once the process runs. */
  readonly boundsProcesses: boolean;
  /** The command that runs `view.command` in the view. Throws `unavailable` for a path that cannot
   *  be part of one. */
  readonly launch: (view: SandboxView) => string[];
};

/** Every view has these. */
export const devices = ["/dev/null", "/dev/urandom", "/dev/random"];

/** Looks in the folders of PATH, and in those for root beside them, which few users have in it. */
export function findTool(name: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(isAbsolute);
  const all = [...folders, ...folders.map((folder) => join(folder, "../sbin"))];
  return all.map((folder) => join(folder, name)).find(existsSync) ?? null;
}

/** The shared libraries of a program, as the host's loader finds them. */
export function librariesOf(program: string): string[] {
  const env = { LD_TRACE_LOADED_OBJECTS: "1" };
  const { stdout } = spawnSync(program, { env, encoding: "utf8", timeout: probeMaxMs });
  return [...(stdout ?? "").matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path as string);
}

let engine: readonly string[] | null = null;

/** This Node and the shared libraries that it has loaded. */
export function enginePaths(): readonly string[] {
  engine ??= [process.execPath, ...sharedLibraries()];
  return engine;
}

function sharedLibraries(): string[] {
  // Its list of network interfaces is of no interest, and takes long on some hosts.
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  const { sharedObjects } = report.getReport() as { readonly sharedObjects: readonly string[] };
  report.excludeNetwork = before;
  return sharedObjects.filter((path) => isAbsolute(path) && path !== process.execPath);
}
