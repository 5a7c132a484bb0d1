/** `places.json` of a data directory: where the log and the blobs of its coordinator lie when not
 *  in the directory, so that backup, check, doctor and migrate find them. Addresses have no
 *  secrets. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "../../core/error.ts";
import { readPrivate, writePrivate } from "../access/private-file.ts";

export type Places = {
  /** Address of an engine; absent = `log.sqlite` of the directory. */
  readonly log?: string;
  /** A directory, or `s3://…`; absent = `blobs/` of the directory. */
  readonly blobs?: string;
  /** See the engines. */
  readonly allowSingle?: boolean;
};

const placesFile = "places.json";

export function readPlaces(dataDir: string): Places {
  const path = join(dataDir, placesFile);
  if (!existsSync(path)) return {};
  try {
    const { allowSingle, blobs, log } = JSON.parse(readPrivate(path) as string) as Places;
    return {
      ...(typeof log === "string" ? { log } : {}),
      ...(typeof blobs === "string" ? { blobs } : {}),
      ...(allowSingle === true ? { allowSingle } : {}),
    };
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause;
    const text = `${path} is damaged: the next start of the coordinator writes it again`;
    throw new ClusterError("storage-failed", text, { cause });
  }
}

export function writePlaces(dataDir: string, places: Places): void {
  const path = join(dataDir, placesFile);
  if (Object.keys(places).length === 0) rmSync(path, { force: true });
  else writePrivate(path, `${JSON.stringify(places)}\n`);
}

/** Throws `conflict` for a directory whose log lies in an engine, when it is to be a file: that
 *  would begin an empty cluster. */
export function mustBeSameLog(dataDir: string, { log }: Places): void {
  const { log: known } = readPlaces(dataDir);
  if (log !== undefined || known === undefined) return;
  const text = `the log of ${dataDir} lies in ${known}: give --log with that address`;
  const way = "or bring it back with `tequio migrate --to file`";
  throw new ClusterError("conflict", `${text}, ${way}`);
}
