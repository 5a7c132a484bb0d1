/** The view of `view.ts`, built by the programs of util-linux alone.
 *
 *  1. `unshare` makes the namespaces. For a worker that is not root it also makes a user namespace,
 *     in which alone the next steps are allowed.
 *  2. A constant script, which takes paths only as parameters, mounts an empty root in memory and
 *     on it what the view lists, makes it the root by `pivot_root`, and detaches the host's root:
 *     no path leads there any more, whatever rights a process had.
 *  3. `setpriv` gives up the rights that this took: all capabilities for good, and for a worker
 *     that is root also its user and group, for ids that nothing else on the host has. It stays
 *     visible in the view, read-only: nothing could remove it after it has run.
 *
 *  See docs/decisions/0003-task-processes.md. */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import {
  devices,
  enginePaths,
  type FindTool,
  type Launcher,
  librariesOf,
  type SandboxView,
} from "./view.ts";

/** `umount` is run from the host's root, with its libraries, while that is still there. Shells name
 *  the limit of processes -u or -p. */
const script = `set -euf
root=$1 work=$2 folders=$3 files=$4 mounts=$5 mount=$6 pivot_root=$7 umount=$8 libraries=$9
processes=\${10}
shift 10
umask 022
"$mount" -t tmpfs -o nosuid,nodev,mode=755 view "$root"
cd "$root"
IFS='
'
mkdir -p -- $folders
for file in $files; do : > "$file"; done
printf '%s' "$mounts" > host/mounts
"$mount" --all --fstab host/mounts
rm host/mounts
"$mount" -o remount,bind,ro,nosuid,nodev "$root"
"$pivot_root" . host
LD_LIBRARY_PATH=$libraries "/host$umount" --lazy /host
cd "$work"
[ "$processes" = 0 ] || ulimit -u "$processes" 2> /dev/null || ulimit -p "$processes"
exec "$@"
`;

type Tools = Readonly<Record<(typeof toolNames)[number], string>>;
const toolNames = ["unshare", "sh", "mount", "umount", "pivot_root", "setpriv"] as const;

/** Null where a program is missing. */
export function pivotRoot(find: FindTool, isRoot = process.getuid?.() === 0): Launcher | null {
  const found = toolNames.map((name) => [name, find(name)] as const);
  if (found.some(([, path]) => path === null)) return null;
  const tools = Object.fromEntries(found) as Tools;
  const traits = { hasOwnUsers: isRoot, boundsProcesses: true, tools: Object.values(tools) };
  return { name: "pivot_root", ...traits, launch: launchWith(tools, isRoot) };
}

function launchWith(tools: Tools, isRoot: boolean): Launcher["launch"] {
  const dropper = [tools.setpriv, ...librariesOf(tools.setpriv)];
  // Where it is set-user-id, the loader does not list its libraries to an ordinary user; they lie
  // beside those of Node.
  const known = [...librariesOf(tools.umount), ...enginePaths().slice(1)];
  const folders = new Set(known.map(dirname));
  const libraries = [...folders].map((folder) => `/host${folder}`).join(":");
  return (view) => {
    const { rootDir, writable, uid } = view;
    const points = mountsOf(view, dropper);
    const ids = uid === null ? [] : [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    return [
      tools.unshare,
      ...(isRoot ? [] : ["--user", "--map-root-user"]),
      ...["--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child=KILL", "--"],
      ...[tools.sh, "-c", script, "sh"],
      ...[rootDir, writable, points.folders, points.files, points.table],
      ...[tools.mount, tools.pivot_root, tools.umount, libraries],
      String(view.processMax),
      ...[tools.setpriv, ...ids, "--inh-caps=-all", "--bounding-set=-all"],
      // Set once more, since a change of user clears it. `no_new_privs` came before all this.
      ...["--pdeathsig", "KILL", "--", ...view.command],
    ];
  };
}

const ownFolders = ["proc", "host"];
const sealed = "bind,ro,nosuid,nodev";

/** Places for the mounts, relative to the new root, and the mounts as lines of an fstab. */
function mountsOf(view: SandboxView, dropper: readonly string[]) {
  const { readable, writable, rootDir } = view;
  const options = new Map<string, string>();
  for (const path of [...view.engine, ...dropper]) options.set(path, sealed);
  for (const path of readable) options.set(path, `${sealed},noexec`);
  for (const path of devices) options.set(path, "bind,nosuid,noexec");
  options.set(writable, "bind,nosuid,nodev,noexec");
  // What lies in another one's folder comes after it.
  const paths = [...options.keys()].sort();
  const lineEnd = paths.find((path) => path.includes("\n"));
  if (lineEnd !== undefined) {
    const text = `no sandbox can show ${JSON.stringify(lineEnd)}: its name has a line end`;
    throw new ClusterError("unavailable", text);
  }
  const isFolder = (path: string) => statSync(path).isDirectory();
  const lines = paths.map((path) => entry(path, join(rootDir, path), "none", options.get(path)!));
  const proc = join(rootDir, "proc");
  lines.push(entry("proc", proc, "proc", "nosuid,nodev,noexec"));
  // Settings of the kernel, which the first user of a namespace might change.
  const settings = join(proc, "sys");
  lines.push(entry(settings, settings, "none", `${sealed},noexec`));
  const files = paths.filter((path) => !isFolder(path));
  const folders = [...paths.filter(isFolder), ...files.map(dirname)].map((path) => `.${path}`);
  return {
    folders: [...ownFolders, ...new Set(folders)].join("\n"),
    files: files.map((path) => `.${path}`).join("\n"),
    table: lines.join(""),
  };
}

function entry(source: string, target: string, type: string, options: string): string {
  return `${escaped(source)} ${escaped(target)} ${type} ${options} 0 0\n`;
}

/** As fstab(5) has it. */
function escaped(path: string): string {
  return path.replace(/[\s\\#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** Above what systems hand out to people, services and containers. */
const firstUid = 0x6000_0000;
const uidsPerWorker = 64;
let uids = 0;

/** A user of the host that nothing else runs as: of this worker alone, and as long as it has no
 *  more than 64 task processes, of one process alone. */
export function nextUid(): number {
  uids = (uids + 1) % uidsPerWorker;
  return firstUid + (process.pid % 0x40_0000) * uidsPerWorker + uids;
}
