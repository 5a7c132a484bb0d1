/** The checks and errors that all logs share: free of Node. */
import { ClusterError } from "../../core/error.ts";

export function closedLog(name: string): ClusterError {
  return new ClusterError("unavailable", `${name} is closed: open it again`);
}

export function fencedLog(name: string, reason: string): ClusterError {
  const text = `${name} has another writer, ${reason}: stop this one; the other continues`;
  return new ClusterError("fenced", text);
}

export function trimmedLog(name: string, trimmed: number, position: number): ClusterError {
  const text = `${name} no longer has record ${position}: load the snapshot, read after ${trimmed}`;
  return new ClusterError("bad-request", text);
}

export function damagedRecord(name: string, position: number, reason: string): ClusterError {
  const text = `record ${position} of ${name} ${reason}: restore the directory from a backup`;
  return new ClusterError("storage-failed", text);
}

/** A snapshot's position never decreases and is never beyond the log's end. */
export function checkSnapshot(
  name: string,
  position: number,
  allowed: { readonly from: number; readonly to: number },
): void {
  if (Number.isSafeInteger(position) && position >= allowed.from && position <= allowed.to) return;
  const range = `${allowed.from} … ${allowed.to}`;
  const text = `a snapshot of ${name} must be at a position in ${range}, not at ${position}`;
  throw new ClusterError("bad-request", text);
}

export function checkTrim(name: string, position: number, snapshot: number): void {
  if (Number.isSafeInteger(position) && position >= 0 && position <= snapshot) return;
  const text = `${name} can be trimmed up to its snapshot at ${snapshot}, not to ${position}`;
  throw new ClusterError("bad-request", text);
}

export function checkRecordSize(what: string, sizeBytes: number, option: [string, number]): void {
  const [name, maxBytes] = option;
  if (sizeBytes <= maxBytes) return;
  const text = `${what} has ${sizeBytes} bytes, more than ${maxBytes}: raise ${name} or send less`;
  throw new ClusterError("limit-exceeded", text);
}
