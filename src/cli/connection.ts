/** A client for the coordinator that the options mean, asked once whether it answers at all. */
import { ClusterError } from "../core/error.ts";
import type { Client } from "../sdk/client.ts";
import { findTarget, type TargetOptions } from "./place.ts";

/** Throws `unavailable` saying how to get a coordinator, when none answers. */
export async function openClient(options: TargetOptions): Promise<Client> {
  const target = findTarget(options);
  const { connect } = await import("../sdk/client.ts");
  try {
    return await connect(target);
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

function tlsHint(url: string): string {
  if (!url.startsWith("http:")) return "";
  return "; one that listens for other machines needs https:// and --fingerprint";
}
