/** The note that `tequio up` leaves in its data directory. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { packageVersion } from "../../../client/package-version.ts";
import {
  type Endpoint,
  endpointFile,
  type Listeners,
  readEndpoint,
} from "../../../client/place.ts";
import { writePrivate } from "../../../coordinator/access/private-file.ts";
import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { StandbyNews } from "../../../coordinator/leading/leadership.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { localUrl } from "../join-line.ts";
import { startOf, stillRuns, stopProcess } from "../process/identity.ts";
import type { Libp2pFlags } from "./libp2p-options.ts";
import type { P4Flags } from "./p4-options.ts";

type Served = {
  readonly coordinator: Coordinator;
  readonly jobtracker: WorkerServing | null;
  /** Addresses of coordinators that stand by. */
  readonly standbys: readonly string[];
};
type Flags = Pick<Libp2pFlags, "libp2pPeers"> &
  Pick<P4Flags, "p4TrustAddresses"> & { readonly anonymousBrowsers?: boolean };

/** The file by which other commands on this machine find the coordinator. */
export function writeEndpoint(
  dataDir: string,
  { coordinator, jobtracker, standbys }: Served,
  options: Flags,
): void {
  const { console: users, filesystem, fingerprint, libp2p, p4, register } = coordinator;
  const { anonymousBrowsers = false, p4TrustAddresses: trustAddresses = false } = options;
  const named = options.libp2pPeers ?? "any";
  const open = libp2p === null ? null : { ...libp2p, isOpen: named === "any" };
  const peers = p4 === null ? null : { ...p4, trustAddresses };
  const files = { filesystem, register, jobtracker };
  const doors: Listeners = { console: users, ...files, p4: peers, libp2p: open, anonymousBrowsers };
  const url = listText([localUrl(coordinator.url), ...standbys]);
  write(dataDir, { url, listen: coordinator.url, fingerprint, doors });
}

/** The same of a coordinator that stands by: calls go to the one that leads. */
export function writeStandby(dataDir: string, news: StandbyNews): void {
  const { fingerprint, leader, url } = news;
  const own = url === "" ? "" : localUrl(url);
  write(dataDir, { url: listText([leader, own]), fingerprint, isStandby: true });
}

/** When it is of this process. */
export function removeEndpoint(dataDir: string): void {
  if (readEndpoint(dataDir)?.pid !== process.pid) return;
  rmSync(join(dataDir, endpointFile), { force: true });
}

/** Ends the `up` of this machine that has left its mark in the directory, within `graceMs`. When it
 *  was another that holds it, the log refuses the start. */
export async function stopOther(dataDir: string, graceMs: number): Promise<void> {
  const other = readEndpoint(dataDir);
  if (other?.start === undefined || !stillRuns(other.pid, other.start)) return;
  console.error(`stopping process ${other.pid}, which uses ${dataDir}`);
  await stopProcess({ pid: other.pid, start: other.start }, graceMs);
}

function listText(urls: readonly string[]): string {
  return [...new Set(urls)].filter((url) => url !== "").join(",");
}

function write(dataDir: string, known: Omit<Endpoint, "pid" | "start" | "version">): void {
  const { pid } = process;
  const endpoint = { ...known, pid, start: startOf(pid) ?? "", version: packageVersion() };
  writePrivate(join(dataDir, endpointFile), `${JSON.stringify(endpoint)}\n`);
}
