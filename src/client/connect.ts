/** Finds a coordinator, or starts a cluster inside this process. */
import { availableParallelism } from "node:os";
import { ClusterError } from "../core/error.ts";
import { connect as connectClient } from "../sdk/client.ts";
import { Cluster } from "./cluster.ts";
import { openEmbedded } from "./embedded.ts";
import { memoryPerWorker } from "./memory.ts";
import { nearBlobs } from "./near-blobs.ts";
import { findTarget } from "./place.ts";

/** Without an address: `$TEQUIO_URL` with `$TEQUIO_TOKEN` and `$TEQUIO_FINGERPRINT`, else the
 *  coordinator of this machine. */
export type RemoteOptions = {
  readonly local?: false;
  readonly url?: string;
  readonly token?: string;
  /** A file with the token, mode 0600. */
  readonly tokenFile?: string;
  /** SHA-256 of the coordinator's certificate, 64 hex digits, as `tequio up` prints it. */
  readonly fingerprint?: string;
  /** Data directory of a coordinator on this machine. */
  readonly data?: string;
};

/** A cluster of this process alone; it ends with `close()`. */
export type LocalOptions = {
  readonly local: true;
  /** Tasks at once, 1 to 1,024; default one a core. */
  readonly slots?: number;
  /** For all tasks together; default at most half of the machine. */
  readonly memoryBytes?: number;
  /** Whether it runs jobs in Python; default false. */
  readonly python?: boolean;
};

/** Throws `unavailable` when nothing answers, `unauthenticated` for a wrong token. */
export async function connect(options: RemoteOptions | LocalOptions = {}): Promise<Cluster> {
  return options.local === true ? connectLocal(options) : connectRemote(options);
}

async function connectRemote(options: RemoteOptions): Promise<Cluster> {
  const target = findTarget(options);
  const client = await connectClient({ ...target, ...nearBlobs(target.dataDir) });
  try {
    await client.me();
  } catch (error) {
    client.close();
    throw error;
  }
  return new Cluster(client, async () => client.close());
}

async function connectLocal(options: LocalOptions): Promise<Cluster> {
  if (process.versions.bun !== undefined) {
    const text =
      "an embedded cluster runs on Node, not on Bun; start `tequio up` and connect to it";
    throw new ClusterError("bad-request", text);
  }
  const { python = false, slots = availableParallelism() } = options;
  if (!Number.isInteger(slots) || slots < 1 || slots > 1024) {
    throw new ClusterError("bad-request", `slots is ${slots}; it must be from 1 to 1,024`);
  }
  const memoryBytes = options.memoryBytes ?? memoryPerWorker(slots) * slots;
  const embedded = openEmbedded({ slots, memoryBytes, isPython: python });
  try {
    return new Cluster(await embedded.opened, () => embedded.close());
  } catch (error) {
    await embedded.close();
    throw error;
  }
}
