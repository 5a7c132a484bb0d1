/** Finds the files that a job reads: files, folders, globs, standard input, files that members of
 *  the cluster share, each for one of its inputs. */
import { constants, type Stats } from "node:fs";
import { access, glob, readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { ClusterError } from "../core/error.ts";
import type { SharedInput } from "../wire/api/messages.ts";
import { compressionOf, type FoundFile, sharedFile } from "./plan/found.ts";
import { didYouMean } from "./plan/near.ts";
import { spool } from "./plan/upload.ts";

/** What `shared:NAME` stands for: a file, or all files of a folder. */
export type FindShared = (name: string) => Promise<readonly SharedInput[]>;

/** Before the name of what members share; a file of that name is `./shared:…`. */
export const sharedPrefix = "shared:";

export type FoundInputs = {
  readonly files: readonly FoundFile[];
  /** Forgets what standard input was copied to. */
  remove(): Promise<void>;
};

export type InputOptions = {
  /** What the job calls its inputs; `default` when it has one. */
  readonly names: readonly string[];
  /** What `-` stands for. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Absent without a cluster: nothing is shared then. */
  readonly shared?: FindShared;
  /** Limit of standard input; default 1 TiB. */
  readonly stdinMaxBytes?: number;
  /** Limit of files; default 1,000,000. */
  readonly filesMax?: number;
};

/** Files in the order given; within a folder or a glob by name. Throws `bad-request` for whatever
 *  has none. */
export async function findInputs(
  given: readonly string[],
  options: InputOptions,
): Promise<FoundInputs> {
  const files: FoundFile[] = [];
  const removals: Array<() => Promise<void>> = [];
  const remove = async (): Promise<void> => {
    for (const each of removals.splice(0)) await each();
  };
  const filesMax = options.filesMax ?? 1_000_000;
  try {
    for (const argument of given) {
      const { input, path } = named(argument, options.names);
      if (path === "-") {
        if (removals.length > 0) throw refused("standard input (-) can be read only once");
        if (options.stdin === undefined) throw refused("there is no standard input to read");
        const spooled = await spool(options.stdin, options.stdinMaxBytes ?? 1024 ** 4);
        removals.push(spooled.remove);
        const { upload } = spooled;
        const { sizeBytes } = upload;
        const at = { kind: "upload", upload } as const;
        files.push({ input, name: "stdin", compression: "none", sizeBytes, at });
        continue;
      }
      const isShared = path.startsWith(sharedPrefix);
      for (const file of isShared ? await sharedFiles(path, options) : await expand(path)) {
        files.push({ input, ...file });
        if (files.length > filesMax) {
          const text = `more than ${filesMax} input files (filesMax); join small files first`;
          throw new ClusterError("limit-exceeded", text);
        }
      }
    }
    checkEveryInput(files, given, options.names);
    return { files, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

function named(argument: string, names: readonly string[]): { input: string; path: string } {
  if (argument === "") throw refused("an input is empty; name a file, a folder, a glob or -");
  if (names.length === 1 && names[0] === "default") return { input: "default", path: argument };
  const sign = argument.indexOf("=");
  const input = argument.slice(0, Math.max(0, sign));
  if (names.includes(input)) return { input, path: argument.slice(sign + 1) };
  const ways = names.map((n) => `${n}=PATH`).join(" ");
  if (sign < 0) throw refused(`${argument}: say which input it is for; the job takes ${ways}`);
  throw refused(`the job has no input "${input}"; it takes ${ways}.${didYouMean(input, names)}`);
}

function checkEveryInput(
  files: readonly FoundFile[],
  given: readonly string[],
  names: readonly string[],
): void {
  if (given.length === 0) {
    const ways = names[0] === "default" ? "PATH" : names.map((n) => `${n}=PATH`).join(" ");
    throw refused(`no input; give ${ways} (a file, a folder, a glob, or - for standard input)`);
  }
  for (const name of names) {
    if (!files.some((file) => file.input === name)) {
      throw refused(`nothing was given for the input "${name}"; add ${name}=PATH`);
    }
  }
}

type PathFile = Omit<FoundFile, "input">;

async function sharedFiles(path: string, { shared }: InputOptions): Promise<PathFile[]> {
  if (shared === undefined) {
    throw refused(`${path} needs a cluster; fetch it with \`tequio get\`, or name ./${path}`);
  }
  return (await shared(path.slice(sharedPrefix.length))).map(sharedFile);
}

async function expand(path: string): Promise<PathFile[]> {
  const found = await statOf(path);
  if (found === null) {
    if (/[*?[\]{}]/.test(path)) return expandGlob(path);
    throw await noSuchFile(path);
  }
  if (found.isDirectory()) return expandFolder(path);
  return [await checked(path, found)];
}

async function expandGlob(pattern: string): Promise<PathFile[]> {
  const isAsked = /(^|[\\/])\.[^./\\]/.test(pattern);
  const files: PathFile[] = [];
  const names: string[] = [];
  for await (const name of glob(pattern)) names.push(name);
  for (const name of names.sort(byCodeUnits)) {
    if (!isAsked && /(^|[\\/])\.[^./\\]/.test(name)) continue;
    const found = await statOf(name);
    if (found?.isDirectory() === false) files.push(await checked(name, found));
  }
  if (files.length > 0) return files;
  throw refused(`no file matches ${pattern} (from ${process.cwd()}); hidden files do not count`);
}

async function expandFolder(folder: string): Promise<PathFile[]> {
  const names: string[] = [];
  await collectNames(folder, names);
  const files: PathFile[] = [];
  for (const name of names.sort(byCodeUnits)) {
    const found = await statOf(name);
    // A link to a folder is not followed: it could lead in a circle.
    if (found?.isDirectory() === false) files.push(await checked(name, found));
  }
  if (files.length > 0) return files;
  throw refused(`the folder ${folder} has no files in it; hidden files do not count`);
}

async function collectNames(folder: string, names: string[]): Promise<void> {
  let entries: Awaited<ReturnType<typeof readFolder>>;
  try {
    entries = await readFolder(folder);
  } catch (cause) {
    throw refused(`cannot read the folder ${folder}: ${reason(cause)}`, cause);
  }
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await collectNames(path, names);
    else names.push(path);
  }
}

function readFolder(folder: string) {
  return readdir(folder, { withFileTypes: true });
}

async function checked(name: string, found: Stats): Promise<PathFile> {
  if (!found.isFile()) {
    throw refused(`${name} is no regular file; pipe it instead: … < ${name}, with - as the input`);
  }
  const path = resolve(name);
  try {
    await access(path, constants.R_OK);
  } catch (cause) {
    throw refused(`cannot read ${name}: ${reason(cause)}`, cause);
  }
  const at = { kind: "path", path, mtimeMs: found.mtimeMs } as const;
  return { name, compression: compressionOf(name), sizeBytes: found.size, at };
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw refused(`cannot read ${path}: ${reason(cause)}`, cause);
  }
}

async function noSuchFile(path: string): Promise<ClusterError> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const hint = didYouMean(basename(path), names);
  return refused(`no such file: ${path} (from ${process.cwd()}).${hint}`);
}

function reason(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? String(cause);
}

function refused(text: string, cause?: unknown): ClusterError {
  return new ClusterError("bad-request", text, cause === undefined ? {} : { cause });
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
