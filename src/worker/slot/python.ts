/** The Python of this machine: which one, what it is, and what a task process of it has to see. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packageName } from "../../core/cluster/placement/requires.ts";
import type { PythonSpecs } from "../../core/event.ts";
import { probeMaxMs, remembered, stampOfFiles } from "./remembered.ts";
import { enginePaths, type FindTool, findTool } from "./walls/view.ts";

export type Python = Omit<PythonSpecs, "engine"> & {
  readonly executable: string;
  /** The interpreter, its modules and the libraries of the system: read-only in a sandbox. */
  readonly engine: readonly string[];
  /** Files that it reads besides. */
  readonly readable: readonly string[];
};

const versionLeast = [3, 9] as const;
const packagesMax = 2_000;
/** Beside `src` and `dist` alike. */
const ownFolder = resolve(dirname(fileURLToPath(import.meta.url)), "../../../python");
const entry = join(ownFolder, "tequio/_worker/main.py");

/** Hashes of text are the same in every process, so that a set has one order in all attempts: the
 *  flag -I would forbid to say so, and what it does besides is done by these and by `main.py`. */
export const pythonEnvironment = {
  PYTHONHASHSEED: "0",
  PYTHONNOUSERSITE: "1",
  PYTHONDONTWRITEBYTECODE: "1",
  PYTHONUTF8: "1",
  // A slot is one core; and sums do not depend on how many there are.
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
} as const;

export const pythonFlags = ["-s", "-B", "-X", "utf8"];

/** The libraries that its own modules have loaded show where those of the system lie. */
const script = `
import json, os, site, sys
for name in ("ssl", "sqlite3", "ctypes", "lzma", "bz2", "zlib", "decimal", "hashlib", "uuid"):
    try:
        __import__(name)
    except ImportError:
        pass
libraries = set()
try:
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\\n").partition("/")[2]
            if ".so" in path:
                libraries.add("/" + path)
except OSError:
    pass
print(json.dumps({
    "executable": os.path.realpath(sys.executable) if sys.prefix == sys.base_prefix
        else sys.executable,
    "base": os.path.realpath(sys.executable),
    "version": list(sys.version_info[:3]),
    "paths": [path for path in sys.path if os.path.isdir(path)],
    "prefix": sys.prefix,
    "sites": site.getsitepackages(),
    "libraries": sorted(libraries),
}))
`;

type Probed = {
  readonly executable: string;
  readonly base: string;
  readonly version: readonly [number, number, number];
  readonly paths: readonly string[];
  readonly prefix: string;
  /** Where packages are looked for, whether it is there or not. */
  readonly sites: readonly string[];
  readonly libraries: readonly string[];
};

const found = new Map<string, Promise<Python | null>>();

/** The `python3` of PATH, or the one at `path`; null where there is none of 3.9 or newer, or it
 *  does not start. Asked once in the life of this process, and of many where it stays as it is. */
export function findPython(path?: string, find: FindTool = findTool): Promise<Python | null> {
  const program = path ?? find("python3");
  if (program === null || !existsSync(entry)) return Promise.resolve(null);
  const known = found.get(program) ?? described(program).catch(() => null);
  found.set(program, known);
  return known;
}

async function described(program: string): Promise<Python | null> {
  const name = `python ${program} ${script}`;
  const stampOf = (probed: Probed) => stampOfFiles([program, ...filesOf(probed)]);
  const probed = await remembered({ name, stampOf, find: () => probe(program) });
  if (probed === null) return null;
  const [major, minor] = probed.version;
  if (major !== versionLeast[0] || minor < versionLeast[1]) return null;
  return {
    executable: probed.executable,
    version: probed.version.join("."),
    packages: packagesIn(probed.paths),
    engine: engineOf(probed),
    readable: [
      ownFolder,
      ...["/etc/ld.so.cache", "/etc/alternatives", "/usr/share/zoneinfo"].filter(existsSync),
    ],
  };
}

async function probe(program: string): Promise<Probed> {
  const options = { timeout: probeMaxMs, maxBuffer: 1 << 20 };
  const ran = await promisify(execFile)(program, ["-I", "-B", "-c", script], options);
  return JSON.parse(ran.stdout) as Probed;
}

/** What the answer was made of: folders of packages that are not there yet among it, and the files
 *  in them that name further ones. */
function filesOf({ base, executable, libraries, paths, prefix, sites }: Probed): string[] {
  const settings = join(prefix, "pyvenv.cfg");
  const naming = sites.flatMap((folder) =>
    namesIn(folder).flatMap((name) => (name.endsWith(".pth") ? [join(folder, name)] : [])),
  );
  return [base, executable, settings, ...paths, ...sites, ...naming, ...libraries];
}

/** Its modules may need any library of the system: the folders of those that it has loaded are
 *  shown as a whole. */
function engineOf({ base, executable, libraries, paths, prefix }: Probed): string[] {
  const settings = join(prefix, "pyvenv.cfg");
  const folders = libraries
    .map(dirname)
    .filter((folder) => /^\/(usr\/)?lib/.test(folder))
    .filter((folder) => !/\/python\d/.test(folder));
  const all = new Set([
    executable,
    base,
    ...(existsSync(settings) ? [settings] : []),
    ...paths,
    ...folders,
    ...libraries,
    ...enginePaths().slice(1),
  ]);
  // What lies in a folder that is shown is shown.
  return [...all].filter((path) => ![...all].some((other) => path.startsWith(other + sep)));
}

/** By the names of the folders that describe them, which takes no Python and a millisecond. */
function packagesIn(paths: readonly string[]): Record<string, string> {
  const packages: Record<string, string> = {};
  let count = 0;
  for (const name of paths.flatMap(namesIn)) {
    const match = /^(.+?)-([0-9][^-]*)(?:-.*)?\.(?:dist-info|egg-info)$/.exec(name);
    if (match === null || count === packagesMax) continue;
    const known = packageName(match[1]!);
    if (Object.hasOwn(packages, known)) continue;
    packages[known] = match[2]!;
    count++;
  }
  return packages;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The command of a task process. */
export function pythonCommand(
  { executable }: Python,
  { readDir, writeDir }: { readonly readDir: string; readonly writeDir: string },
): string[] {
  return [executable, ...pythonFlags, entry, readDir, writeDir];
}
