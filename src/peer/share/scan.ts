/** Which files lie below the paths that are shared, and the names under which they are shared. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { fileNameProblem } from "../../core/sharing/names.ts";
import { shownUnlessUtf8 } from "../../wire/content/file-name.ts";

export type Found = {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly path: string;
};

export type Scan = {
  readonly files: readonly Found[];
  /** Names of folders with nothing in them, each with `/` at its end. */
  readonly emptyFolders: readonly string[];
  /** What is not shared, and why: for people. */
  readonly leftOut: readonly string[];
};

const filesMax = 200_000;
const depthMax = 256;

/** `name` replaces the first part of the names, when one path is shared. */
export function scan(paths: readonly string[], name?: string): Scan {
  if (name !== undefined && paths.length > 1) {
    throw new ClusterError("bad-request", "--name is for one path; share others by themselves");
  }
  const files = new Map<string, string>();
  const emptyFolders: string[] = [];
  const leftOut: string[] = [];
  for (const path of paths) {
    const root = realRoot(path);
    const called = name ?? basename(resolve(path));
    const add = (shared: string, real: string) => {
      const problem = fileNameProblem(shared);
      if (problem !== null) {
        leftOut.push(`${real}: its name ${problem}`);
        return;
      }
      if (files.size >= filesMax) {
        const text = `${path} has more than ${filesMax} files; share an archive of it`;
        throw new ClusterError("limit-exceeded", text);
      }
      const known = files.get(shared);
      if (known !== undefined && known !== real) {
        const text = `two files would be called ${shared}: ${known} and ${real}; use --name`;
        throw new ClusterError("conflict", text);
      }
      files.set(shared, real);
    };
    if (statSync(root).isDirectory()) {
      walk(root, { root, called, add, emptyFolders, leftOut, depth: 0 });
    } else add(called, root);
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const found = sorted.map(([shared, path]) => ({ name: shared, path }));
  return { files: found, emptyFolders, leftOut };
}

function realRoot(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new ClusterError("not-found", `${path} does not exist`);
  if (stats.isFile() || stats.isDirectory()) return realpathSync(path);
  throw new ClusterError("bad-request", `${path} is neither a file nor a folder`);
}

type Walk = {
  readonly root: string;
  readonly called: string;
  readonly add: (name: string, path: string) => void;
  readonly emptyFolders: string[];
  readonly leftOut: string[];
  readonly depth: number;
};

function walk(dir: string, at: Walk): void {
  const { root, called, add, emptyFolders, leftOut, depth } = at;
  if (depth > depthMax) {
    leftOut.push(`${dir}: more than ${depthMax} folders deep`);
    return;
  }
  const entries = readdirSync(dir, { withFileTypes: true, encoding: "buffer" });
  if (entries.length === 0) {
    const name = [called, ...relative(root, dir).split(sep), ""].filter(Boolean).join("/");
    if (fileNameProblem(name) === null) emptyFolders.push(`${name}/`);
  }
  for (const entry of entries) {
    const last = nameOf(dir, entry.name);
    const path = join(dir, last);
    const name = [called, ...relative(root, path).split(sep)].join("/");
    if (entry.isDirectory()) walk(path, { ...at, depth: depth + 1 });
    else if (last.startsWith(".tequio-")) continue;
    else if (entry.isFile()) add(name, path);
    else if (!entry.isSymbolicLink()) leftOut.push(`${path}: no regular file`);
    else {
      const { real, problem } = linkedFile(path, root);
      if (real === null) leftOut.push(`${path}: ${problem}`);
      else add(name, real);
    }
  }
}

/** Throws `bad-request` when it is not UTF-8: the wire has names as text. */
function nameOf(dir: string, bytes: Uint8Array): string {
  const shown = shownUnlessUtf8(bytes);
  if (shown === null) return Buffer.from(bytes).toString();
  const text = `${join(dir, shown)}: the name is not UTF-8; rename it, or share an archive of it`;
  throw new ClusterError("bad-request", text);
}

type Linked =
  | { readonly real: string; readonly problem: null }
  | { readonly real: null; readonly problem: string };

/** The file that a symbolic link leads to, if it is within what is shared. */
function linkedFile(path: string, root: string): Linked {
  const refused = (problem: string): Linked => ({ real: null, problem });
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return refused(`a link to ${readlinkSync(path)}, which does not exist`);
    return refused(`a link that cannot be followed (${code})`);
  }
  if (!`${real}${sep}`.startsWith(root + sep)) {
    return refused(`a link that leads out of what is shared, to ${real}; share that, too`);
  }
  const stats = lstatSync(real, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    return refused(`a link to the folder ${real}, whose files have their names there`);
  }
  return stats?.isFile() ? { real, problem: null } : refused("a link to no regular file");
}
