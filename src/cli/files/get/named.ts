/** What a name, a root, the begin of one as `ls` shows it, or a folder stands for in the
 *  catalogue. */
import { ClusterError } from "../../../core/error.ts";
import type { Hash } from "../../../core/ids.ts";
import type { Catalogue } from "../../../peer/master/sources.ts";
import type { FetchTarget, FindMany } from "./fetch-context.ts";

export async function namedFiles(what: string, catalogue: Catalogue): Promise<FetchTarget> {
  if (what.endsWith("/")) return namedFolder(what, catalogue);
  if (/^[0-9a-f]{64}$/.test(what)) return rootedFile(what, what, catalogue);
  const again = () => catalogue.find({ file_name: what });
  try {
    return { kind: "file", found: await again(), again, byName: again, isRoot: false };
  } catch (error) {
    if (!isMissing(error)) throw error;
    const root = await rootBegunBy(what, catalogue);
    if (root === null) throw missing(what);
    return rootedFile(root, what, catalogue);
  }
}

async function rootedFile(root: Hash, what: string, catalogue: Catalogue): Promise<FetchTarget> {
  const again = () => catalogue.find({ root });
  const found = await again().catch((error) => {
    throw isMissing(error) ? missing(what) : error;
  });
  const byName = () => catalogue.find({ file_name: found.name });
  return { kind: "file", found, again, byName, isRoot: true };
}

async function namedFolder(prefix: string, catalogue: Catalogue): Promise<FetchTarget> {
  const files = (await catalogue.files()).filter(({ name }) => name.startsWith(prefix));
  if (files.length === 0) {
    throw new ClusterError("not-found", `nothing is shared below ${prefix}; see \`tequio ls\``);
  }
  const find = (name: string) => () => catalogue.find({ file_name: name });
  const listed = files.map(({ name, root, sizeBytes }) => {
    return { name, root, sizeBytes, find: find(name) };
  });
  const findMany: FindMany = async (some) => {
    return (await catalogue.findMany(some.map(({ name }) => name))) ?? [];
  };
  return { kind: "folder", prefix, files: listed, findMany };
}

/** Null when no file that is shared has such a root. */
async function rootBegunBy(begin: string, catalogue: Catalogue): Promise<Hash | null> {
  if (!/^[0-9a-f]{8,63}$/.test(begin)) return null;
  const all = (await catalogue.files()).map(({ root }) => root);
  const [first, ...others] = new Set(all.filter((root) => root?.startsWith(begin)));
  if (others.length === 0) return first ?? null;
  const text = `${others.length + 1} files have a root that begins with ${begin}; give more of it`;
  throw new ClusterError("bad-request", text);
}

function isMissing(error: unknown): boolean {
  return error instanceof ClusterError && error.code === "not-found";
}

function missing(what: string): ClusterError {
  const text = `no member shares "${what}" now; \`tequio ls\` lists what is shared`;
  return new ClusterError("not-found", text);
}
