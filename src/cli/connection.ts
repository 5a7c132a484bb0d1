/** A client for the coordinator that the options mean, asked once whether it answers at all. */
import { join } from "node:path";
import { ClusterError } from "../core/error.ts";
import type { Client, ConnectOptions } from "../sdk/client.ts";
import { findTarget, type TargetOptions } from "./place.ts";

/** Throws `unavailable` saying how to get a coordinator, when none answers. */
export async function openClient(options: TargetOptions): Promise<Client> {
  const target = findTarget(options);
  const { connect } = await import("../sdk/client.ts");
  try {
    return await connect({ ...target, ...nearBlobs(target.dataDir) });
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
    const help =
      target.dataDir === null
        ? `check the address and that its machine lets you in${tlsHint(target.url)}`
        : `the last one of ${target.dataDir} was stopped hard; start it again with \`tequio up\``;
    throw new ClusterError("unavailable", `no coordinator answers at ${target.url}; ${help}`, {
      cause: error,
    });
  }
}

/** Of a coordinator whose directory this user can read. */
export function nearBlobs(dataDir: string | null): Pick<ConnectOptions, "nearBlob"> {
  if (dataDir === null) return {};
  return {
    async nearBlob(hash) {
      const { viewDiskBlobs } = await import("../store/blob/disk.ts");
      const blobs = viewDiskBlobs(join(dataDir, "blobs"));
      // Whatever is wrong with it, the coordinator can say better.
      const sizeBytes = await blobs.size(hash).catch(() => null);
      return sizeBytes === null ? null : blobs.read(hash);
    },
  };
}

function tlsHint(url: string): string {
  if (!url.startsWith("http:")) return "";
  return "; one that listens for other machines needs https:// and --fingerprint";
}
