/** Where things lie in a data directory and in a backup of one: both can be checked alike. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { type Manifest, readManifest } from "./manifest.ts";

export type Layout = {
  readonly log: string;
  readonly blobs: string;
  /** Where keys and tokens are. */
  readonly keys: string;
  /** Null in a data directory. */
  readonly manifest: Manifest | null;
};

export const logFile = "log.sqlite";
export const blobsDir = "blobs";
export const manifestFile = "manifest.json";
/** Keys and tokens; the first one is what makes a directory that of a certain cluster. */
export const keyFiles = ["cluster.json", "tls.json", "admin.token"] as const;

/** Throws `not-found` for a directory that is neither, `storage-failed` for a damaged manifest. */
export function layoutOf(dir: string): Layout {
  const root = resolve(dir);
  if (existsSync(join(root, manifestFile))) {
    const manifest = readManifest(join(root, manifestFile));
    const keys = join(root, manifest.folder);
    return { log: join(keys, logFile), blobs: join(root, blobsDir), keys, manifest };
  }
  if (!existsSync(join(root, logFile))) {
    const text = `${root} is no data directory and no backup: it has no ${logFile}`;
    throw new ClusterError("not-found", `${text} and no ${manifestFile}; name another one`);
  }
  return { log: join(root, logFile), blobs: join(root, blobsDir), keys: root, manifest: null };
}
