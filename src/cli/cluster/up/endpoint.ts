/** The note that `tequio up` leaves in its data directory. */
import { join } from "node:path";
import { packageVersion } from "../../../client/package-version.ts";
import { endpointFile, type Listeners } from "../../../client/place.ts";
import { writePrivate } from "../../../coordinator/access/private-file.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { localUrl } from "../join-line.ts";
import { startOf } from "../process/identity.ts";
import type { Libp2pFlags } from "./libp2p-options.ts";
import type { P4Flags } from "./p4-options.ts";

type Served = { readonly coordinator: Coordinator; readonly jobtracker: WorkerServing | null };
type Flags = Pick<Libp2pFlags, "libp2pPeers"> &
  Pick<P4Flags, "p4TrustAddresses"> & { readonly anonymousBrowsers?: boolean };

/** The file by which other commands on this machine find the coordinator. */
export function writeEndpoint(
  dataDir: string,
  { coordinator, jobtracker }: Served,
  options: Flags,
): void {
  const file = join(dataDir, endpointFile);
  const { console: users, filesystem, fingerprint, libp2p, p4, register } = coordinator;
  const { anonymousBrowsers = false, p4TrustAddresses: trustAddresses = false } = options;
  const named = options.libp2pPeers ?? "any";
  const open = libp2p === null ? null : { ...libp2p, isOpen: named === "any" };
  const peers = p4 === null ? null : { ...p4, trustAddresses };
  const files = { filesystem, register, jobtracker };
  const doors: Listeners = { console: users, ...files, p4: peers, libp2p: open, anonymousBrowsers };
  const url = localUrl(coordinator.url);
  const version = packageVersion();
  const { pid } = process;
  const start = startOf(pid) ?? "";
  const endpoint = { url, listen: coordinator.url, fingerprint, pid, start, version, doors };
  writePrivate(file, `${JSON.stringify(endpoint)}\n`);
}
