/** The view of `view.ts`, built by bubblewrap. The engine has no network, no sockets of the host, a
 *  `/proc` of its own and no capabilities; for the host it is the worker's user. */
import { devices, type FindTool, type Launcher, type SandboxView } from "./view.ts";

/** No user inside: files belong to it only where they are the worker's own. */
const insideId = "65534";

/** Batch systems and service managers send SIGTERM to every process at once. It would end
 *  bubblewrap, and with it the task that the worker lets end. */
const untouched = ["-c", 'trap "" TERM; exec "$@"', "sh"];

/** Null where it is not installed. */
export function bubblewrap(find: FindTool): Launcher | null {
  const [program, shell] = [find("bwrap"), find("sh")];
  if (program === null || shell === null) return null;
  const start = [shell, ...untouched, program];
  const launch = (view: SandboxView) => [...start, ...argumentsFor(view), "--", ...view.command];
  const traits = { hasOwnUsers: false, boundsProcesses: false, tools: [shell, program] };
  return { name: "bubblewrap", ...traits, launch };
}

function argumentsFor({ engine, readable, writable }: SandboxView): string[] {
  return [
    "--unshare-all",
    "--unshare-user",
    ...["--uid", insideId, "--gid", insideId],
    // The process that we see is the one that runs job code.
    "--as-pid-1",
    "--die-with-parent",
    ...["--cap-drop", "ALL"],
    ...[...engine, ...readable].flatMap((path) => ["--ro-bind", path, path]),
    ...devices.flatMap((path) => ["--dev-bind", path, path]),
    ...["--proc", "/proc"],
    ...["--bind", writable, writable],
    // What lies between the mounts is in memory, which nothing there bounds.
    ...["--remount-ro", "/"],
    ...["--chdir", writable],
  ];
}
