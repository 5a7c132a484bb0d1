/** A view of the file system for one task process, built by bubblewrap: the engine and its
 *  libraries, our code, what the process is given to read, and its scratch; nothing else of the
 *  host, and all but the scratch read-only. It also has no network, no sockets of the host, a
 *  `/proc` of its own, no capabilities and no user of the host. */
import { isAbsolute } from "node:path";

export type View = {
  /** Absolute paths of files and folders, seen under the same names. */
  readonly readable: readonly string[];
  /** Seen under its own name, and the working directory. */
  readonly writable: string;
};

const devices = ["/dev/null", "/dev/urandom", "/dev/random"];
/** No user of the host: files belong to it only where they are the worker's own. */
const nobody = "65534";

/** Arguments before the command that is to run in the view. */
export function bubblewrap({ readable, writable }: View): string[] {
  return [
    "bwrap",
    "--unshare-all",
    "--unshare-user",
    ...["--uid", nobody, "--gid", nobody],
    // The process that we see is the one that runs job code.
    "--as-pid-1",
    "--die-with-parent",
    ...["--cap-drop", "ALL"],
    ...readable.flatMap((path) => ["--ro-bind", path, path]),
    ...devices.flatMap((path) => ["--dev-bind", path, path]),
    ...["--proc", "/proc"],
    ...["--bind", writable, writable],
    // What lies between the mounts is in memory, which nothing there bounds.
    ...["--remount-ro", "/"],
    ...["--chdir", writable],
    "--",
  ];
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
