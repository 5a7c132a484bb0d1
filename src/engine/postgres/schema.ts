/** The tables of a cluster in PostgreSQL, and the settings without which a commit is not
 *  durable. */
import { ClusterError } from "../../core/error.ts";
import { hashBytes } from "../../store/log/chain.ts";
import type { Row, Session } from "./session.ts";

/** Of the tables; a newer one is refused. */
const format = 1;

/** Serializes the creation of the tables: any number, the same for all of them. */
const creationLock = 1_952_805_745;
const zeroHash = "00".repeat(hashBytes);

/** One implicit transaction. A batch is stored as it comes: compressing it costs more time than its
 *  bytes do. */
const lock = `SELECT pg_advisory_xact_lock(${creationLock});`;
const tables = `
  CREATE TABLE IF NOT EXISTS {}.head (
    slot int PRIMARY KEY CHECK (slot = 1), format int NOT NULL,
    generation bigint NOT NULL, holder text NOT NULL,
    trimmed bigint NOT NULL, trimmed_hash bytea NOT NULL,
    last bigint NOT NULL, last_hash bytea NOT NULL,
    snapshot bigint NOT NULL, snapshot_blob text NOT NULL, snapshot_seal bytea NOT NULL);
  CREATE TABLE IF NOT EXISTS {}.batch (
    last bigint PRIMARY KEY, first bigint NOT NULL,
    previous bytea NOT NULL, hash bytea NOT NULL, bytes bytea NOT NULL);
  ALTER TABLE {}.batch ALTER COLUMN bytes SET STORAGE EXTERNAL;
  CREATE TABLE IF NOT EXISTS {}.lease (
    slot int PRIMARY KEY CHECK (slot = 1), term bigint NOT NULL, beat bigint NOT NULL,
    holder text NOT NULL, note text NOT NULL);
  CREATE TABLE IF NOT EXISTS {}.kept (name text PRIMARY KEY, bytes bytea NOT NULL);
  CREATE TABLE IF NOT EXISTS {}.candidate (
    id text PRIMARY KEY, beat bigint NOT NULL, note text NOT NULL);
  INSERT INTO {}.head VALUES (1, ${format}, 0, '', 0, '\\x${zeroHash}', 0, '\\x${zeroHash}',
    -1, '', '') ON CONFLICT DO NOTHING;`;

/** The one row about the log as a whole. */
export type Head = {
  /** Counts openings. A writer whose generation is not this one is fenced. */
  readonly generation: number;
  readonly holder: string;
  /** Last position that was trimmed, and its hash: where the chain starts. */
  readonly trimmed: number;
  readonly trimmedHash: Uint8Array;
  readonly last: number;
  readonly lastHash: Uint8Array;
  /** −1 = there is none. */
  readonly snapshot: number;
  readonly snapshotBlob: string;
  readonly snapshotSeal: Uint8Array;
};

/** Creates what is missing. Throws `version-mismatch` for tables of a newer version, `bad-request`
 *  for a read-only copy or unsafe settings. */
export async function prepare(session: Session): Promise<void> {
  const { name } = session.place;
  const [found] = await session.ask({
    text:
      "SELECT pg_is_in_recovery() AS copy, to_regnamespace('{}') AS place, " +
      "to_regclass('{}.head') AS head",
  });
  if (found?.copy === true) {
    const text = `${name} is a read-only copy: give the address of the primary server`;
    throw new ClusterError("bad-request", text);
  }
  await checkSettings(session);
  // Who owns a schema need not be allowed to create one.
  const schema = found?.place === null ? "CREATE SCHEMA IF NOT EXISTS {};" : "";
  if (found?.head === null) await session.ask({ text: `${lock}${schema}${tables}` });
  const [row] = await session.ask({ text: "SELECT format FROM {}.head" });
  const version = Number(row?.format);
  if (version === format) return;
  const text = `${name} has tables of version ${version}, this version reads ${format}`;
  throw new ClusterError("version-mismatch", `${text}; start the version that wrote them`);
}

async function checkSettings(session: Session): Promise<void> {
  const [row] = await session.ask({ text: `SELECT ${settingsColumns}` });
  const problem = settingsProblem(row ?? {}, session.place.name);
  if (problem !== null) throw problem;
}

/** Columns that each append asks for, too: both settings can change while a session is open. */
export const settingsColumns =
  "current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS committed";
/** False = an append writes nothing. */
export const settingsCondition =
  "current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off'";

export function settingsProblem({ committed, fsync }: Row, name: string): ClusterError | null {
  const bad = fsync !== "on" ? "fsync" : committed === "off" ? "synchronous_commit" : null;
  if (bad === null) return null;
  const why = `${name} has ${bad} = off: it would lose what it has acknowledged`;
  const way = `ALTER SYSTEM SET ${bad} = on; SELECT pg_reload_conf();`;
  return new ClusterError("bad-request", `${why}; turn it on, then start again: ${way}`);
}

const headColumns =
  "generation, holder, trimmed, trimmed_hash, last, last_hash, snapshot, snapshot_blob, " +
  "snapshot_seal";

export const readHeadStatement = { name: "head", text: `SELECT ${headColumns} FROM {}.head` };

export function headOf(row: Row | undefined, name: string): Head {
  if (row === undefined) {
    const text = `${name} has no head row: restore the database from a backup`;
    throw new ClusterError("storage-failed", text);
  }
  return {
    generation: Number(row.generation),
    holder: String(row.holder),
    trimmed: Number(row.trimmed),
    trimmedHash: row.trimmed_hash as Uint8Array,
    last: Number(row.last),
    lastHash: row.last_hash as Uint8Array,
    snapshot: Number(row.snapshot),
    snapshotBlob: String(row.snapshot_blob),
    snapshotSeal: row.snapshot_seal as Uint8Array,
  };
}
