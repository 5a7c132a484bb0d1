/** Names of files in folders and of globs. A name that cannot be followed is an error that names
 *  it: what is left out without a word is a wrong result. */
import { type Stats, statSync } from "node:fs";
import { glob, readdir, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import { shownUnlessUtf8 } from "../../../wire/content/file-name.ts";
import { didYouMean } from "../near.ts";

/** `stats` null: a regular file, as its folder says; the rest is seen when it is opened. */
export type FoundName = { readonly name: string; readonly stats: Stats | null };

/** What stands for bytes of a name that are not UTF-8. */
const replacement = "\ufffd";
const isHidden = (name: string): boolean => /(^|[\\/])\.[^./\\]/.test(name);

/** Null when there is nothing of that name. A link is followed. */
export function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw refused(`cannot read ${path}: ${reason(cause)}`, cause);
  }
}

/** Where results have the records that were set aside. */
const badFolder = "_bad";
const badPath = /(?:^|[/\\])_bad[/\\]/;

/** Whatever a glob matches but folders, by name; hidden ones when it asks for them. */
export async function filesMatching(pattern: string): Promise<FoundName[]> {
  const names: string[] = [];
  let isStrange = false;
  const exclude = (name: string): boolean => {
    isStrange ||= name.includes(replacement);
    return false;
  };
  for await (const name of glob(pattern, { exclude })) names.push(name);
  if (isStrange) await checkFolders(pattern);
  const isAsked = isHidden(pattern);
  const isBad = (name: string) => !pattern.includes(badFolder) && badPath.test(name);
  const seen = names.filter((name) => (isAsked || !isHidden(name)) && !isBad(name));
  const files = await inOrder(seen.map((name) => ({ name, isRegular: false })));
  if (files.length > 0) return files;
  throw refused(`no file matches ${pattern} (from ${process.cwd()}); hidden files do not count`);
}

/** All files of a folder and the folders in it, by name, but hidden ones. A link to a folder is
 *  followed; one that leads in a circle is refused. */
export async function filesIn(folder: string): Promise<FoundName[]> {
  const names: Named[] = [];
  await collectNames(folder, { names, within: [await realpath(folder)] });
  const files = await inOrder(names);
  if (files.length > 0) return files;
  throw refused(`the folder ${folder} has no files in it; hidden files do not count`);
}

/** `isRegular`: known to be a regular file, and no link to one. */
type Named = { readonly name: string; readonly isRegular: boolean };

/** `within`: the folder and those around it, as they are without links. */
type Collecting = { readonly names: Named[]; readonly within: readonly string[] };

async function collectNames(folder: string, { names, within }: Collecting): Promise<void> {
  // Normalized once: of very many files that is much of what finding them costs.
  const before = join(folder, "_").slice(0, -1);
  for (const entry of await entriesOf(folder)) {
    const name = entry.name.toString();
    if (name.startsWith(".") || (entry.isDirectory() && name === badFolder)) continue;
    checkName(folder, entry.name);
    const path = before + name;
    const isLink = entry.isSymbolicLink();
    if (!entry.isDirectory() && !(isLink && statOf(path)?.isDirectory())) {
      names.push({ name: path, isRegular: entry.isFile() });
      continue;
    }
    if (name === badFolder) continue;
    const real = isLink ? await realpath(path) : join(within[0] as string, name);
    // Of folders that are no links none can be in itself.
    if (isLink && within.some((one) => one === real || one.startsWith(join(real, "/")))) {
      throw circle(path, await readlink(path));
    }
    await collectNames(path, { names, within: [real, ...within] });
  }
}

function circle(path: string, target: string): ClusterError {
  const text = `${path} is a link to ${target}, a folder that it is in, and leads in a circle`;
  return refused(`${text}; remove the link, or name the files by a glob`);
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (cause) {
    throw refused(`cannot read the folder ${folder}: ${reason(cause)}`, cause);
  }
}

/** A plan is text, and so are the names in it. */
function checkName(folder: string, bytes: Uint8Array): void {
  const shown = shownUnlessUtf8(bytes);
  if (shown === null) return;
  const text = `${join(folder, shown)}: the name is not UTF-8`;
  throw refused(`${text}; rename it, or give it as standard input (-)`);
}

/** A glob does not look into folders whose names it cannot read, and does not say so. */
async function checkFolders(pattern: string): Promise<void> {
  const [before = ""] = pattern.split(/[*?[\]{}]/, 1);
  await checkTree(before.endsWith("/") ? before : dirname(before));
}

async function checkTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" }).catch(
    () => [],
  );
  for (const entry of entries) {
    const name = entry.name.toString();
    if (!entry.isDirectory() || name.startsWith(".")) continue;
    checkName(folder, entry.name);
    await checkTree(join(folder, name));
  }
}

async function inOrder(names: Named[]): Promise<FoundName[]> {
  const files: FoundName[] = [];
  for (const { isRegular, name } of names.sort((a, b) => byCodeUnits(a.name, b.name))) {
    if (isRegular) {
      files.push({ name, stats: null });
      continue;
    }
    const stats = statOf(name);
    if (stats === null) throw await noSuchFile(name);
    if (!stats.isDirectory()) files.push({ name, stats });
  }
  return files;
}

/** Why nothing can be read under this name. */
export async function noSuchFile(path: string): Promise<ClusterError> {
  const target = await readlink(path).catch(() => null);
  if (target !== null) {
    const text = `${path} is a link to ${target}, which does not exist`;
    return refused(`${text}; remove the link, or put back what it points to`);
  }
  const folder = dirname(path);
  if (path.includes(replacement)) {
    const entries = await readdir(folder, { encoding: "buffer" }).catch(() => []);
    for (const name of entries) checkName(folder, name);
  }
  const names = await readdir(folder).catch(() => []);
  const hint = didYouMean(basename(path), names);
  return refused(`no such file: ${path} (from ${process.cwd()}).${hint}`);
}

function reason(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? String(cause);
}

export function unreadable(name: string, cause: unknown): ClusterError {
  return refused(`cannot read ${name}: ${reason(cause)}`, cause);
}

function refused(text: string, cause?: unknown): ClusterError {
  return new ClusterError("bad-request", text, cause === undefined ? {} : { cause });
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
