/** What an engine keeps for a cluster: the log, the lease of its leader, and the small files that
 *  all its coordinators share. Everything else is decided elsewhere. */
import type { LeaseEntry } from "../core/lease.ts";
import type { Blobs } from "../store/blob/blob.ts";
import type { Log } from "../store/log/log.ts";

export interface LeaseRegister {
  /** The newest entry; null = there was never one. */
  read(): Promise<LeaseEntry | null>;
  /** Compare-and-set by term and beat: false = another entry is there, and nothing was written. A
   *  rejection leaves open whether it was written, or still will be. */
  swap(expected: LeaseEntry | null, next: LeaseEntry): Promise<boolean>;
  close(): Promise<void>;
}

export type LogOptions = {
  /** For snapshots, and nothing else: what the log does not name is deleted. */
  readonly snapshots: Blobs;
  /** File of the witness on this machine; null = none. */
  readonly witness: string | null;
  /** For the error that another writer gets. */
  readonly holder: string;
};

/** A log as those see it that do not write: `last` and `read` show what its writer has appended. */
export type FollowedLog = Pick<Log, "read" | "last" | "loadSnapshot" | "close">;

export interface Engine {
  /** For people: without users and secrets. */
  readonly name: string;
  /** Becomes the writer of the log; see log.ts for its laws. The writer before is fenced. */
  openLog(options: LogOptions): Promise<Log>;
  followLog(snapshots: Blobs): Promise<FollowedLog>;
  /** With connections of its own, so that a large write does not delay a renewal. */
  lease(): LeaseRegister;
  /** Resolves with the text that is kept under the name from now on: the one that was given first,
   *  or with `replaces` this one. */
  keep(name: string, text: string, how?: { readonly replaces: boolean }): Promise<string>;
  /** Null = there is none. */
  kept(name: string): Promise<string | null>;
  close(): Promise<void>;
}
