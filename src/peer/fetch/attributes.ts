/** The time and the right to run that a fetched file gets from its owner. */
import { fchmodSync, fstatSync, futimesSync } from "node:fs";
import type { FileAttributes } from "../../wire/p4/data.ts";

/** After the last write. A time of 0 is not set. */
export function setAttributes(descriptor: number, attributes: FileAttributes): void {
  if (attributes.isExecutable) {
    const { mode } = fstatSync(descriptor);
    // For those who may read it: the process's umask has decided who that is.
    fchmodSync(descriptor, (mode & 0o777) | ((mode & 0o444) >> 2));
  }
  setModified(descriptor, attributes.modifiedUs);
}

/** `modifiedUs`: microseconds since the epoch. */
export function setModified(descriptor: number, modifiedUs: number): void {
  if (modifiedUs > 0) futimesSync(descriptor, Date.now() / 1000, modifiedUs / 1e6);
}
