/** `process.json` of a worker that `up` has started: everything needed to recognise the process.
 *  `up` writes it when it has started one, and the worker itself as soon as the directory is its
 *  own: an `up` that is killed between the two leaves no worker without a record. */
import { readFileSync } from "node:fs";
import { writePrivate } from "../../../coordinator/access/private-file.ts";
import { startOf } from "./identity.ts";

export type ProcessRecord = {
  readonly pid: number;
  readonly start: string;
  /** The coordinator that it was started for. */
  readonly url: string;
};

export function recordOf(pid: number, url: string): ProcessRecord {
  return { pid, start: startOf(pid) ?? "", url };
}

export function writeRecord(path: string, record: ProcessRecord): void {
  writePrivate(path, JSON.stringify(record));
}

/** The recorded process if it still runs; null for a dead one and for another with its number. */
export function livingRecord(path: string): ProcessRecord | null {
  try {
    const record = JSON.parse(readFileSync(path, "utf8")) as ProcessRecord;
    return startOf(record.pid) === record.start ? record : null;
  } catch {
    return null;
  }
}
