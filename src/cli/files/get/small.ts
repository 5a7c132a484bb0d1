/** The small files of a folder: found, fetched and put into place many at once. What fails here is
 *  left to be fetched one by one, which tries all sources and says what is wrong. */
import { lstatSync, readFileSync } from "node:fs";
import { ClusterError } from "../../../core/error.ts";
import type { Hash } from "../../../core/ids.ts";
import type { Fetched, Fetcher } from "../../../peer/fetch/fetcher.ts";
import type { Landing } from "../../../peer/fetch/small/landing.ts";
import type { SmallFile, VerifiedFile } from "../../../peer/fetch/small/many.ts";
import { layerOfBytes } from "../../../peer/hashing/layer.ts";
import { rootHex } from "../../../peer/hashing/sha256.ts";
import { filesPerCallMax, smallFileMaxBytes } from "../../../wire/p4/many.ts";
import type { FindMany, FolderFile } from "./fetch-context.ts";

export type Planned = FolderFile & { readonly target: string };

export type SmallOptions = {
  readonly findMany: FindMany;
  readonly fetcher: Pick<Fetcher, "readMany">;
  readonly landing: Landing;
  /** Makes the folder of a file; throws when that cannot be made. */
  readonly prepare: (target: string) => void;
  readonly onDone: (file: Planned, fetched: Fetched) => void;
};

type Missing = {
  readonly file: Planned;
  readonly root: Hash;
  readonly sizeBytes: number;
  /** Left by an earlier run, and not whole. */
  readonly replaces: boolean;
};

/** Groups of files under way: one is found while another is fetched. */
const groupsAtOnce = 2;

export async function getSmall(planned: readonly Planned[], options: SmallOptions): Promise<void> {
  const missing = planned.flatMap((file) => missingOf(file, options));
  const groups = groupsOf(missing);
  let isUseful = true;
  const lane = async () => {
    for (const group of groups) {
      if (!isUseful) return;
      // A source that delivers nothing, or has no such call, is not asked again and again.
      isUseful = (await getGroup(group, options)) > 0 && isUseful;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: groupsAtOnce }, lane));
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

function* groupsOf(missing: readonly Missing[]): Generator<readonly Missing[]> {
  for (let at = 0; at < missing.length; at += filesPerCallMax) {
    yield missing.slice(at, at + filesPerCallMax);
  }
}

/** Nothing when the file is there, is not small, or is in doubt. */
function missingOf(file: Planned, { landing, onDone }: SmallOptions): Missing[] {
  const { root, sizeBytes, target } = file;
  if (root === null || sizeBytes === null || sizeBytes > smallFileMaxBytes) return [];
  const stats = lstatSync(target, { throwIfNoEntry: false });
  if (stats === undefined) return [{ file, root, sizeBytes, replaces: false }];
  if (!stats.isFile()) return [];
  if (stats.size === sizeBytes && rootOf(target) === root) {
    onDone(file, fetchedOf({ root, sizeBytes }, null));
    return [];
  }
  return landing.isOwn(target, stats) ? [{ file, root, sizeBytes, replaces: true }] : [];
}

/** The number of files that arrived. */
async function getGroup(group: readonly Missing[], options: SmallOptions): Promise<number> {
  const { fetcher, findMany, landing, onDone, prepare } = options;
  const found = await findMany(group.map(({ file }) => file)).catch(none);
  const wanted = group.flatMap((missing, index): Array<SmallFile & Missing> => {
    const { root = null, sources = [] } = found[index] ?? {};
    const source = sources[index % Math.max(1, sources.length)];
    return source === undefined || root !== missing.root ? [] : [{ ...missing, source }];
  });
  let count = 0;
  const take = (files: ReadonlyArray<VerifiedFile<SmallFile & Missing>>) => {
    const placed = files.filter(({ file: { file } }) => isPlaced(file, prepare));
    const landed = landing.land(
      placed.map(({ attributes, content, file: { file, root, replaces } }) => {
        return { target: file.target, root, content, attributes, replaces };
      }),
    );
    for (const [index, { file }] of placed.entries()) {
      if (landed[index] !== null) continue;
      count += 1;
      onDone(file.file, fetchedOf(file, file.source.name));
    }
  };
  if (wanted.length > 0) await fetcher.readMany(wanted, take);
  return count;
}

/** A master that cannot be asked now is asked for each file, and says why. */
function none(error: unknown): [] {
  if (error instanceof ClusterError) return [];
  throw error;
}

function isPlaced({ target }: Planned, prepare: SmallOptions["prepare"]): boolean {
  try {
    prepare(target);
    return true;
  } catch (error) {
    if (error instanceof ClusterError) return false;
    throw error;
  }
}

/** `source`: null = it was there. */
function fetchedOf(
  { root, sizeBytes }: { readonly root: Hash; readonly sizeBytes: number },
  source: string | null,
): Fetched {
  const receivedBytes = source === null ? 0 : sizeBytes;
  const sources = source === null ? [] : [{ name: source, receivedBytes }];
  const wasThere = source === null;
  return { sizeBytes, receivedBytes, resumedBytes: 0, root, verified: "root", wasThere, sources };
}

function rootOf(path: string): Hash | null {
  try {
    const bytes = readFileSync(path);
    return rootHex(bytes.length, layerOfBytes(bytes));
  } catch {
    return null;
  }
}
