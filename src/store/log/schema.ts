/** The tables of a log file, their versions, and the settings that make a commit durable. */
import type { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../../core/error.ts";
import { hit } from "../failpoint.ts";
import { hashBytes, sameHash, sealOf } from "./chain.ts";

/** Marks the file as one of this product, so that another program's database is never written
 *  to. */
const applicationId = 0x7461736b;

/** Step n upgrades version n to n + 1. Steps are never changed, only added. */
export const schemaSteps: readonly string[] = [
  `CREATE TABLE record (
     position INTEGER PRIMARY KEY, hash BLOB NOT NULL, bytes BLOB NOT NULL) STRICT;
   CREATE TABLE snapshot (
     slot INTEGER PRIMARY KEY, position INTEGER NOT NULL, hash BLOB NOT NULL, bytes BLOB NOT NULL
   ) STRICT;
   CREATE TABLE head (
     slot INTEGER PRIMARY KEY, generation INTEGER NOT NULL, holder TEXT NOT NULL,
     trimmed INTEGER NOT NULL, trimmedHash BLOB NOT NULL,
     last INTEGER NOT NULL, lastHash BLOB NOT NULL, seal BLOB NOT NULL) STRICT;
   PRAGMA application_id = ${applicationId};`,
  // Long records are compressed since: an older version is to say so, not to find them damaged.
  "SELECT 1;",
];

/** The one row about the log as a whole. */
export type Head = {
  /** Counts openings. A writer whose generation is not this one is fenced. */
  readonly generation: number;
  /** Which process opened it, for the error that the next opener gets. */
  readonly holder: string;
  /** Last position that was trimmed, and its hash: where the chain starts. */
  readonly trimmed: number;
  readonly trimmedHash: Uint8Array;
  /** A position that the log has reached, with its hash; updated now and then. */
  readonly last: number;
  readonly lastHash: Uint8Array;
};

/** 4 MB: enough that a page that changes often is seldom written to the database. */
export const walPagesMax = 1000;
export const pageBytes = 4096;

type Row = Readonly<Record<string, unknown>>;

export function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** WAL and FULL mean: a commit returns after its fsync. `fullfsync` requests the same on macOS. The
 *  WAL is copied into the database every `walPages` pages. */
export function makeDurable(database: DatabaseSync, walPages = walPagesMax): void {
  database.exec(`
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${walPages};
    PRAGMA journal_size_limit = ${16 << 20};
    PRAGMA cell_size_check = ON;
    PRAGMA trusted_schema = OFF;`);
}

/** Reads the settings back, since requested settings may not be in force. */
export function assertDurable(database: DatabaseSync, path: string): void {
  const journal = pragma(database, "journal_mode");
  const synchronous = pragma(database, "synchronous");
  if (journal === "wal" && synchronous === 2) return;
  const found = `journal_mode=${journal}, synchronous=${synchronous}; needed: wal, 2`;
  const text = `${path} cannot be made durable (${found}): put the data directory on a local disk`;
  throw new ClusterError("storage-failed", text);
}

/** Brings an older file to this version in one transaction; refuses a newer one. */
export function upgrade(database: DatabaseSync, path: string, steps = schemaSteps): void {
  const version = Number(pragma(database, "user_version"));
  if (version > steps.length) {
    const formats = `format ${version}, this one knows ${steps.length}`;
    const way = "upgrade tequio, or use another data directory";
    const text = `${path} was written by a newer version (${formats}): ${way}`;
    throw new ClusterError("version-mismatch", text);
  }
  const isNew = version === 0 && pragma(database, "schema_version") === 0;
  if (!isNew && (version <= 0 || pragma(database, "application_id") !== applicationId)) {
    const way = "choose another data directory, or restore it from a backup";
    const text = `${path} is not a log, or its first page is damaged: ${way}`;
    throw new ClusterError("storage-failed", text);
  }
  if (version === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of steps.slice(version)) database.exec(step);
    hit("log.schema", "before");
    database.exec(`PRAGMA user_version = ${steps.length}; COMMIT`);
    hit("log.schema", "after");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Null in a new log. */
export function readHead(database: DatabaseSync, path: string): Head | null {
  const row = database.prepare("SELECT * FROM head WHERE slot = 1").get() as Row | undefined;
  if (row === undefined) return null;
  const head = {
    generation: row.generation as number,
    holder: row.holder as string,
    trimmed: row.trimmed as number,
    trimmedHash: row.trimmedHash as Uint8Array,
    last: row.last as number,
    lastHash: row.lastHash as Uint8Array,
  };
  if (!sameHash(row.seal as Uint8Array, headSeal(head))) {
    const text = `the head row of ${path} is damaged: restore the directory from a backup`;
    throw new ClusterError("storage-failed", text);
  }
  return head;
}

/** The head as it is, or that of a log without records. */
export function headOrStart(database: DatabaseSync, path: string): Head {
  const start = new Uint8Array(hashBytes);
  const unwritten = { trimmed: 0, trimmedHash: start, last: 0, lastHash: start };
  return readHead(database, path) ?? { generation: 0, holder: "", ...unwritten };
}

/** Within a transaction. */
export function writeHead(database: DatabaseSync, head: Head): void {
  database
    .prepare("REPLACE INTO head VALUES (1, ?, ?, ?, ?, ?, ?, ?)")
    .run(
      head.generation,
      head.holder,
      head.trimmed,
      head.trimmedHash,
      head.last,
      head.lastHash,
      headSeal(head),
    );
}

function headSeal(head: Head): Uint8Array {
  const { generation, holder, trimmed, trimmedHash, last, lastHash } = head;
  return sealOf([generation, holder, trimmed, trimmedHash, last, lastHash]);
}
