/** Lists of files as hierarchies, as P4 requires, and as flat lists.
 *
 *  An object is a folder, its keys are names; a leaf is null or an object of nothing but `root`,
 *  `size_bytes` and `description`. An array is a folder too: of names, or of objects with a `name`
 *  and either such details or `children` (or `files`). Names are joined by `/` and stay opaque. */
import { catalogueLimits, type SharedFile } from "../../core/catalogue.ts";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { utf8Bytes } from "../../core/sharing/names.ts";

export type FileLeaf = null | {
  readonly root?: Hash | null;
  readonly size_bytes?: number | null;
  readonly description?: string | null;
};
export type FileTree = { readonly [name: string]: FileTree | FileLeaf };

/** Nesting of folders; deeper trees are refused. */
export const treeDepthMax = 256;
/** UTF-8 bytes of the names and descriptions of one tree, folders counted for each file in them, so
 *  that the resulting record fits into a log. */
export const treeTextMaxBytes = 16 * 1024 * 1024;
/** What a file takes besides its name: root, size, quotes and folders. */
const fileFrameBytes = 192;
/** UTF-8 bytes of one tree as JSON. Escaped text has twice its bytes when each character is a
 *  quote. */
export const treeBodyMaxBytes =
  2 * treeTextMaxBytes + catalogueLimits.filesPerMemberMax * fileFrameBytes;
const detailKeys = new Set(["root", "size_bytes", "description"]);

type Node = { readonly path: string; readonly value: unknown; readonly depth: number };
type Fields = Readonly<Record<string, unknown>>;

/** The files of a tree in its order. Throws bad-request, or limit-exceeded. */
export function flattenTree(tree: unknown): SharedFile[] {
  if (!isFields(tree) && !Array.isArray(tree)) throw bad("is neither a folder nor a list", "");
  const files = new Map<string, SharedFile>();
  let textBytes = 0;
  // An explicit stack: a tree of 10,000 folders must not end this process.
  const stack: Node[] = childrenOf({ path: "", value: tree, depth: 0 }).reverse();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const leaf = leafOf(node);
    if (leaf !== null) {
      textBytes += utf8Bytes(leaf.name) + utf8Bytes(leaf.description);
      if (textBytes > treeTextMaxBytes) throw tooLong();
      add(files, leaf);
    } else for (const child of childrenOf(node).reverse()) stack.push(child);
  }
  return [...files.values()];
}

function tooLong(): ClusterError {
  const text = `names and descriptions of one list have at most ${treeTextMaxBytes} bytes`;
  return new ClusterError("limit-exceeded", `${text}; share a folder as one archive`);
}

function add(files: Map<string, SharedFile>, file: SharedFile): void {
  const known = files.get(file.name);
  if (known !== undefined) {
    const same =
      known.root === file.root &&
      known.sizeBytes === file.sizeBytes &&
      known.description === file.description;
    if (!same) throw bad("is listed twice, with different content", file.name);
  } else if (files.size >= catalogueLimits.filesPerMemberMax) {
    const text = `a list of files has at most ${catalogueLimits.filesPerMemberMax}`;
    throw new ClusterError("limit-exceeded", `${text}; share a folder as one archive`);
  } else files.set(file.name, file);
}

function leafOf({ path, value }: Node): SharedFile | null {
  if (value === null) return leaf(path, {});
  if (!isFields(value)) {
    if (Array.isArray(value)) return null;
    throw bad("is neither a folder nor a file", path);
  }
  const keys = Object.keys(value);
  const isLeaf =
    keys.length > 0 && keys.every((key) => detailKeys.has(key) && !isFolder(value[key]));
  return isLeaf ? leaf(path, value) : null;
}

function leaf(name: string, details: Fields): SharedFile {
  const { description = null, root = null, size_bytes: sizeBytes = null } = details;
  if (root !== null && typeof root !== "string") throw bad("has a root that is not text", name);
  if (sizeBytes !== null && typeof sizeBytes !== "number") throw bad("has a bad size", name);
  if (description !== null && typeof description !== "string") {
    throw bad("has a description that is not text", name);
  }
  return { name, description: description ?? "", root, sizeBytes };
}

function childrenOf({ path, value, depth }: Node): Node[] {
  if (depth >= treeDepthMax) throw bad(`lies in more than ${treeDepthMax} folders`, path);
  const child = (name: string, of: unknown): Node => {
    // Checked before joining: many files below a long name would be many long names.
    if (path.length + name.length > catalogueLimits.nameBytesMax) {
      throw bad(`is named by more than ${catalogueLimits.nameBytesMax} bytes`, path);
    }
    return { path: path === "" ? name : `${path}/${name}`, value: of, depth: depth + 1 };
  };
  if (!Array.isArray(value)) {
    return Object.entries(value as Fields).map(([name, of]) => child(name, of));
  }
  return value.map((entry: unknown) => {
    if (typeof entry === "string") return child(entry, null);
    if (!isFields(entry) || typeof entry.name !== "string") {
      throw bad("is a list with an entry that has no name", path);
    }
    const { name, children, files, ...details } = entry;
    const inside = children ?? files;
    if (inside === undefined) return child(name, pick(details));
    if (!isFolder(inside)) throw bad("has children that are not a folder", name);
    return child(name, inside);
  });
}

/** Existing lists may have further details of a file, which are ignored. */
function pick(fields: Fields): Fields | null {
  const known = Object.entries(fields).filter(([key]) => detailKeys.has(key));
  return known.length === 0 ? null : Object.fromEntries(known);
}

/** Folders as objects; when a name is both a file and a folder, or beyond the depth, the rest of
 *  the path stays one key. `flattenTree` reads it back to the same files. */
export function buildTree(files: readonly SharedFile[]): FileTree {
  type Folder = { [name: string]: Folder | FileLeaf };
  const root: Folder = Object.create(null);
  const folders = new WeakSet<object>([root]);
  // A file before the folder of the same name.
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, root: content, sizeBytes, description } of sorted) {
    let folder = root;
    let rest = name;
    for (let depth = 2; depth < treeDepthMax; depth++) {
      const at = rest.indexOf("/");
      const part = rest.slice(0, at);
      // A folder with the name of a detail would be read as a file.
      if (at < 1 || detailKeys.has(part) || detailKeys.has(rest.slice(at + 1))) break;
      if (!(part in folder)) folder[part] = fresh(folders);
      const next = folder[part] as Folder;
      if (!folders.has(next)) break;
      folder = next;
      rest = rest.slice(at + 1);
    }
    const bare = content === null && sizeBytes === null && description === "";
    folder[rest] = bare ? null : { root: content, size_bytes: sizeBytes, description };
  }
  return root;
}

function fresh<T extends object>(folders: WeakSet<object>): T {
  const folder = Object.create(null) as T;
  folders.add(folder);
  return folder;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFolder(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function bad(problem: string, path: string): ClusterError {
  const what = path === "" ? "the list of files" : JSON.stringify(path.slice(0, 100));
  return new ClusterError("bad-request", `${what} ${problem}`);
}
