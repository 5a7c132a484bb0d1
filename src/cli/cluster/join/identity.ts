/** The identity of a worker, kept in its data directory (0600): a worker that is started again
 *  keeps its id instead of using up another. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { readPrivate, writePrivate } from "../../../coordinator/access/private-file.ts";
import type { WorkerIdentity } from "../../../worker/node.ts";

/** At which coordinator; elsewhere it is another worker. */
export type IdentityPlace = {
  readonly dataDir: string;
  readonly url: string;
  readonly fingerprint: string;
};

/** Null when there is none for this coordinator, or none that can be read as one. Throws
 *  `forbidden` when others may read the file. */
export function keptIdentity(place: IdentityPlace): WorkerIdentity | null {
  const text = readPrivate(fileOf(place));
  if (text === null) return null;
  try {
    const kept = JSON.parse(text) as Partial<WorkerIdentity & IdentityPlace>;
    const { credential, fingerprint, url, workerId } = kept;
    if (url !== place.url || fingerprint !== place.fingerprint) return null;
    if (typeof workerId !== "string" || typeof credential !== "string") return null;
    return workerId === "" || credential === "" ? null : { workerId, credential };
  } catch {
    // Cut short or damaged: it joins as a new worker.
    return null;
  }
}

export function keepIdentity(place: IdentityPlace, identity: WorkerIdentity): void {
  const { fingerprint, url } = place;
  writePrivate(fileOf(place), `${JSON.stringify({ url, fingerprint, ...identity })}\n`);
}

export function forgetIdentity(place: IdentityPlace): void {
  rmSync(fileOf(place), { force: true });
}

function fileOf({ dataDir }: IdentityPlace): string {
  return join(dataDir, "identity.json");
}
