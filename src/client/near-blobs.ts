/** Blobs of a coordinator whose directory this user can read: read where they are, without a
 *  call. */
import { join } from "node:path";
import type { ConnectOptions } from "../sdk/client.ts";

/** `dataDir` null: the coordinator is elsewhere. */
export function nearBlobs(dataDir: string | null): Pick<ConnectOptions, "nearBlob"> {
  if (dataDir === null) return {};
  return {
    async nearBlob(hash, isLent) {
      const { viewDiskBlobs } = await import("../store/blob/disk.ts");
      const blobs = viewDiskBlobs(join(dataDir, "blobs"));
      // Whatever is wrong with it, the coordinator can say better.
      const sizeBytes = await blobs.size(hash).catch(() => null);
      if (sizeBytes === null) return null;
      return isLent ? blobs.lend(hash) : blobs.read(hash);
    },
  };
}
