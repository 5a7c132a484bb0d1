/** The log in PostgreSQL: one batch of records is one statement, which commits by itself and writes
 *  only while the fence holds. */
import { ClusterError } from "../../core/error.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import { sameHash } from "../../store/log/chain.ts";
import type { Log, LogRecord } from "../../store/log/log.ts";
import * as rules from "../../store/log/rules.ts";
import { readWitness, Witness } from "../../store/log/witness.ts";
import { type ChainPlace, layOut, sealBatch } from "../batch.ts";
import { isLost } from "../connection-lost.ts";
import { putSnapshot, sweepSnapshots } from "../snapshot-blob.ts";
import { WriterTurns } from "../writer-turns.ts";
import type { PostgresPlace } from "./place.ts";
import { PostgresReader } from "./reading.ts";
import {
  type Head,
  prepare,
  settingsColumns,
  settingsCondition,
  settingsProblem,
} from "./schema.ts";
import { type Row, Session, type SessionTimes } from "./session.ts";

export type PostgresLogOptions = {
  /** Snapshots, and nothing else: what the log does not name is deleted. */
  readonly snapshots: Blobs;
  /** File of the witness on this machine; null = none. */
  readonly witness: string | null;
  /** For the error that another writer gets. */
  readonly holder: string;
  /** Largest record; default 64 MiB. */
  readonly recordMaxBytes?: number;
  /** How long a database that is away is waited for before the log gives up, ms; default 60 s. */
  readonly awayMaxMs?: number;
  readonly times?: Partial<SessionTimes>;
};

const claimTriesMax = 20;

const ownFence = "generation = $1";
const appendStatement = {
  name: "append",
  text:
    "WITH fence AS (UPDATE {}.head SET last = $3, last_hash = $6 " +
    `WHERE ${ownFence} AND last = $2 AND ${settingsCondition} RETURNING slot), ` +
    "put AS (INSERT INTO {}.batch (last, first, previous, hash, bytes) " +
    "SELECT $3, $4, $5, $6, $7 FROM fence) " +
    `SELECT (SELECT count(*) FROM fence)::int AS written, ${settingsColumns}`,
};
const checkStatement = {
  name: "check",
  text: `SELECT count(*)::int AS written, ${settingsColumns} FROM {}.head WHERE ${ownFence}`,
};
const snapshotStatement = {
  text:
    "UPDATE {}.head SET snapshot = $2, snapshot_blob = $3, snapshot_seal = $4 " +
    `WHERE ${ownFence} AND snapshot <= $2 AND ${settingsCondition} RETURNING slot`,
};
const trimStatement = {
  text:
    "WITH fence AS (UPDATE {}.head SET trimmed = $2, trimmed_hash = $3 " +
    `WHERE ${ownFence} AND trimmed <= $2 AND ${settingsCondition} RETURNING slot), ` +
    "gone AS (DELETE FROM {}.batch WHERE last <= $2 AND EXISTS (SELECT FROM fence)) " +
    "SELECT slot FROM fence",
};
const claimStatement = {
  text:
    "UPDATE {}.head SET generation = generation + 1, holder = $2 " +
    "WHERE generation = $1 AND last = $3 RETURNING generation",
};

/** Becomes the writer; the one before is fenced. Throws `unavailable`, `bad-request` for unsafe
 *  settings, `version-mismatch`, `fenced` when another opens it at the same moment,
 *  `storage-failed` when the log is damaged or ends before what this machine has seen of it. */
export async function openPostgresLog(
  place: PostgresPlace,
  options: PostgresLogOptions,
): Promise<Log> {
  const session = new Session(place, options.times);
  try {
    await prepare(session);
    const reader = new PostgresReader(session, options.snapshots);
    const head = await claimed(session, reader, options);
    const witness = options.witness === null ? null : new Witness(options.witness);
    witness?.write(head.last, head.lastHash);
    await sweepSnapshots(options.snapshots, new Set([head.snapshotBlob])).catch(() => {});
    return new PostgresLog({ session, reader, witness, head }, options);
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** The head, after checking that the end of the log is what was seen of it. */
async function verified(reader: PostgresReader, witnessFile: string | null): Promise<Head> {
  const head = await reader.head();
  const { last, lastHash, snapshot, trimmed } = head;
  const seen = witnessFile === null ? null : readWitness(witnessFile);
  const known = [
    { by: "its head row", position: last, hash: lastHash },
    { by: "its snapshot", position: snapshot, hash: null },
    { by: "the witness of this machine", position: 0, hash: null, ...seen },
  ];
  for (const { by, hash, position } of known) {
    if (position > last) {
      const what = `is missing, ${by} has seen record ${position}`;
      throw rules.damagedRecord(reader.name, last + 1, what);
    }
    if (hash === null || position < trimmed || position === 0) continue;
    if (!sameHash(await reader.hashAt(position, head), hash)) {
      throw rules.damagedRecord(reader.name, position, `is not the one that ${by} has seen`);
    }
  }
  return head;
}

/** The writer before may append until it is fenced: then the end is verified again. */
async function claimed(
  session: Session,
  reader: PostgresReader,
  { holder, witness }: PostgresLogOptions,
): Promise<Head> {
  for (let tries = 0; tries < claimTriesMax; tries += 1) {
    const head = await verified(reader, witness);
    const [row] = await session.ask(claimStatement, [head.generation, holder, head.last]);
    if (row !== undefined) return { ...head, generation: Number(row.generation), holder };
  }
  const text = `${session.place.name} was opened by another process just now: retry`;
  throw new ClusterError("fenced", text);
}

type Parts = {
  readonly session: Session;
  readonly reader: PostgresReader;
  readonly witness: Witness | null;
  readonly head: Head;
};

class PostgresLog implements Log {
  readonly #session: Session;
  readonly #reader: PostgresReader;
  readonly #witness: Witness | null;
  readonly #options: PostgresLogOptions;
  readonly #name: string;
  /** Always up to date, since nothing else may write. */
  #head: Head;
  readonly #turns: WriterTurns;

  constructor({ head, reader, session, witness }: Parts, options: PostgresLogOptions) {
    this.#session = session;
    this.#reader = reader;
    this.#witness = witness;
    this.#options = options;
    this.#head = head;
    this.#name = session.place.name;
    this.#turns = new WriterTurns(this.#name, options.awayMaxMs);
  }

  async append(records: readonly Uint8Array[], after: number): Promise<number> {
    this.#turns.mustWrite();
    const batch = layOut(records, this.#name, this.#options.recordMaxBytes);
    return this.#turns.run(() => this.#append(batch, records.length, after));
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    this.#turns.mustBeOpen();
    const { last, trimmed } = this.#head;
    if (after >= last) return;
    if (after < trimmed) throw rules.trimmedLog(this.#name, trimmed, after + 1);
    yield* this.#reader.records(after, last, () => this.#turns.mustBeOpen());
  }

  async last(): Promise<number> {
    this.#turns.mustBeOpen();
    return this.#head.last;
  }

  async saveSnapshot(position: number, bytes: Uint8Array): Promise<void> {
    this.#turns.mustWrite();
    const { last, snapshot: from } = this.#head;
    rules.checkSnapshot(this.#name, position, { from: Math.max(0, from), to: last });
    const { snapshots } = this.#options;
    const named = await putSnapshot(snapshots, position, bytes);
    await this.#turns.run(async () => {
      const { blob, seal } = named;
      await this.#change(snapshotStatement, [position, blob, seal]);
      const { snapshotBlob: old } = this.#head;
      const changed = { snapshot: position, snapshotBlob: blob, snapshotSeal: seal };
      this.#head = { ...this.#head, ...changed };
      // What stays is removed by the next start.
      if (old !== "" && old !== blob) await snapshots.delete(old).catch(() => {});
    });
  }

  async loadSnapshot(): Promise<LogRecord | null> {
    this.#turns.mustBeOpen();
    return this.#reader.snapshot();
  }

  async trim(position: number): Promise<void> {
    this.#turns.mustWrite();
    rules.checkTrim(this.#name, position, Math.max(0, this.#head.snapshot));
    await this.#turns.run(async () => {
      if (position <= this.#head.trimmed) return;
      const trimmedHash = await this.#reader.hashAt(position, this.#head);
      await this.#change(trimStatement, [position, trimmedHash]);
      this.#head = { ...this.#head, trimmed: position, trimmedHash };
    });
  }

  async close(): Promise<void> {
    if (!(await this.#turns.end())) return;
    this.#witness?.close();
    await this.#session.close();
  }

  async #append(batch: Buffer, count: number, after: number): Promise<number> {
    const { generation, last, lastHash } = this.#head;
    if (after !== last) throw rules.fencedLog(this.#name, `it ends at ${last}, not at ${after}`);
    if (count === 0) {
      this.#mustBeWritten((await this.#patiently(checkStatement, [generation]))[0]);
      return last;
    }
    const end = sealBatch(batch, { position: last, hash: lastHash });
    await this.#put(batch, end);
    this.#head = { ...this.#head, last: end.position, lastHash: end.hash };
    this.#witness?.write(end.position, end.hash);
    return end.position;
  }

  async #put(batch: Buffer, end: ChainPlace): Promise<void> {
    const { generation, last, lastHash } = this.#head;
    const values = [generation, last, end.position, last + 1, lastHash, end.hash, batch];
    const isDone = (head: Head) => head.last === end.position && sameHash(head.lastHash, end.hash);
    const [row] = await this.#patiently(appendStatement, values, isDone);
    // A statement of the connection before may have been run while this one waited for it.
    if (row === undefined || (row.written !== 1 && (await this.#wasRun(isDone)))) return;
    this.#mustBeWritten(row);
  }

  async #change(statement: { readonly text: string }, values: readonly unknown[]): Promise<void> {
    const rows = await this.#patiently(statement, [this.#head.generation, ...values]);
    if (rows.length === 0) throw await this.#whyNot();
  }

  #mustBeWritten(row: Row | undefined): void {
    const problem = settingsProblem(row ?? {}, this.#name);
    if (problem !== null) {
      throw this.#turns.refuse(
        new ClusterError("storage-failed", problem.text, { cause: problem }),
      );
    }
    if (row?.written !== 1) throw this.#turns.refuse(this.#turns.takenOver());
  }

  async #whyNot(): Promise<ClusterError> {
    const [row] = await this.#patiently(checkStatement, [this.#head.generation]);
    try {
      this.#mustBeWritten(row);
    } catch (error) {
      return error as ClusterError;
    }
    return new ClusterError("unavailable", `${this.#name} did not take a change: retry`);
  }

  /** Runs a statement, again after each lost connection: unless it was run before, as `isDone` of
   *  the head shows (then without rows), or another writer has come. All statements of this log may
   *  be run twice. */
  async #patiently(
    statement: { readonly name?: string; readonly text: string },
    values: readonly unknown[],
    isDone: (head: Head) => boolean = () => false,
  ): Promise<Row[]> {
    const run = async () => {
      const rows = await this.#session.run(statement, values);
      if (this.#session.warning !== "") throw this.#unsure(this.#session.warning);
      return rows;
    };
    return (await this.#turns.patiently(run, () => this.#wasRun(isDone))) ?? [];
  }

  async #wasRun(isDone: (head: Head) => boolean): Promise<boolean> {
    const head = await this.#reader.head().catch((error) => {
      const { cause, code } = error as ClusterError;
      throw code === "unavailable" && isLost(cause) ? cause : error;
    });
    if (head.generation !== this.#head.generation) throw this.#turns.takenOver();
    return isDone(head);
  }

  #unsure(warning: string): ClusterError {
    const text = `${this.#name} warned of a write (${warning}): see the log of the server`;
    return new ClusterError("storage-failed", text);
  }
}
