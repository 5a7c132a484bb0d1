/** Where things lie in a data directory and in a backup of one, so that both can be checked
 *  alike. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { readPlaces } from "../leading/places.ts";
import { type Manifest, readManifest } from "./manifest.ts";

export type Layout = {
  readonly log: string;
  readonly blobs: string;
  /** The place of keys and tokens. */
  readonly keys: string;
  /** Null in a data directory. */
  readonly manifest: Manifest | null;
};

export const logFile = "log.sqlite";
export const blobsDir = "blobs";
export const manifestFile = "manifest.json";
/** Keys and tokens; the first one identifies the cluster of a directory. */
export const keyFiles = ["cluster.json", "tls.json", "admin.token", "libp2p.json"] as const;

/** Throws `not-found` for a directory that is neither, `storage-failed` for a damaged manifest. */
export function layoutOf(dir: string): Layout {
  const root = resolve(dir);
  if (existsSync(join(root, manifestFile))) {
    const manifest = readManifest(join(root, manifestFile));
    const keys = join(root, manifest.folder);
    return { log: join(keys, logFile), blobs: join(root, blobsDir), keys, manifest };
  }
  const isElsewhere = readPlaces(root).log !== undefined;
  if (!isElsewhere && !existsSync(join(root, logFile))) {
    const text = `${root} is neither a data directory nor a backup: it has no ${logFile}`;
    throw new ClusterError("not-found", `${text} and no ${manifestFile}; choose another one`);
  }
  return { log: join(root, logFile), blobs: join(root, blobsDir), keys: root, manifest: null };
}
