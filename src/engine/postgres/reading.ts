/** Verified reads of a log in PostgreSQL, for its writer and for those that follow it. */
import type { Blobs } from "../../store/blob/blob.ts";
import { sameHash } from "../../store/log/chain.ts";
import type { LogRecord } from "../../store/log/log.ts";
import { damagedRecord, trimmedLog } from "../../store/log/rules.ts";
import { type ChainPlace, unpackBatch } from "../batch.ts";
import { readSnapshot } from "../snapshot-blob.ts";
import { type Head, headOf, readHeadStatement } from "./schema.ts";
import type { Session } from "./session.ts";

/** What one answer holds at most, whichever is reached first; a single batch may be larger. */
const pageBatchesMax = 256;
const pageBytesMax = 4 << 20;

const pageStatement = {
  name: "page",
  text:
    "SELECT first, last, previous, hash, bytes FROM (" +
    "SELECT *, sum(octet_length(bytes)) OVER (ORDER BY last) AS total, " +
    "row_number() OVER (ORDER BY last) AS number FROM (" +
    `SELECT * FROM {}.batch WHERE last > $1 ORDER BY last LIMIT ${pageBatchesMax}) AS part` +
    `) AS summed WHERE number = 1 OR total <= ${pageBytesMax} ORDER BY last`,
};
const hashStatement = { name: "hash", text: "SELECT hash FROM {}.batch WHERE last = $1" };

type Batch = {
  readonly first: number;
  readonly last: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
};

export class PostgresReader {
  readonly #session: Session;
  readonly #snapshots: Blobs;

  constructor(session: Session, snapshots: Blobs) {
    this.#session = session;
    this.#snapshots = snapshots;
  }

  get name(): string {
    return this.#session.place.name;
  }

  async head(): Promise<Head> {
    const [row] = await this.#session.ask(readHeadStatement);
    return headOf(row, this.name);
  }

  async snapshot(): Promise<LogRecord | null> {
    // One that is replaced meanwhile is gone from the store.
    for (let before = ""; ; ) {
      const { snapshot: position, snapshotBlob: blob, snapshotSeal: seal } = await this.head();
      try {
        return await readSnapshot(this.#snapshots, { position, blob, seal }, this.name);
      } catch (error) {
        if (blob === before) throw error;
        before = blob;
      }
    }
  }

  /** Records after `after`, up to and including `end`. */
  async *records(after: number, end: number, mayGoOn: () => void): AsyncIterable<LogRecord> {
    let from: ChainPlace | null = null;
    for (let position = after; position < end; ) {
      mayGoOn();
      const batches = await this.#page(position);
      if (batches.length === 0) throw await this.#missing(position + 1);
      for (const batch of batches) {
        from ??= await this.#startOf(batch, position);
        for (const record of this.#unpacked(batch, from)) {
          from = record;
          if (record.position <= after || record.position > end) continue;
          mayGoOn();
          position = record.position;
          yield { position, bytes: Uint8Array.from(record.bytes) };
        }
        if (from.position >= end) return;
      }
    }
  }

  /** The hash of a record, or of where the chain starts. */
  async hashAt(position: number, { trimmed, trimmedHash }: Head): Promise<Uint8Array> {
    if (position === trimmed) return trimmedHash;
    const [batch] = await this.#page(position - 1);
    if (batch === undefined) throw damagedRecord(this.name, position, "is missing");
    const from = { position: batch.first - 1, hash: batch.previous };
    for (const record of this.#unpacked(batch, from)) {
      if (record.position === position) return Uint8Array.from(record.hash);
    }
    throw damagedRecord(this.name, position, "is missing");
  }

  async #page(after: number): Promise<Batch[]> {
    const rows = await this.#session.ask(pageStatement, [after]);
    return rows.map((row) => ({
      first: Number(row.first),
      last: Number(row.last),
      previous: row.previous as Uint8Array,
      hash: row.hash as Uint8Array,
      bytes: row.bytes as Uint8Array,
    }));
  }

  *#unpacked(batch: Batch, from: ChainPlace): Iterable<LogRecord & ChainPlace> {
    const { first, hash, last, previous } = batch;
    if (first !== from.position + 1) {
      throw damagedRecord(this.name, from.position + 1, "is missing");
    }
    if (!sameHash(previous, from.hash)) {
      throw damagedRecord(this.name, first, "does not follow the one before it");
    }
    let end = from;
    for (const record of unpackBatch(batch.bytes, from, this.name)) {
      end = record;
      yield record;
    }
    if (end.position !== last || !sameHash(end.hash, hash)) {
      throw damagedRecord(this.name, last, "is not the end of its batch");
    }
  }

  /** Where the chain is before a batch that is read first. */
  async #startOf({ first, previous }: Batch, after: number): Promise<ChainPlace> {
    const before = first - 1;
    if (before > after) throw await this.#missing(after + 1);
    const [row] = before === 0 ? [] : await this.#session.ask(hashStatement, [before]);
    if (row !== undefined) return { position: before, hash: row.hash as Uint8Array };
    const { trimmed, trimmedHash } = await this.head();
    if (before > trimmed) throw damagedRecord(this.name, before, "is missing");
    return { position: before, hash: before === trimmed ? trimmedHash : previous };
  }

  async #missing(position: number): Promise<Error> {
    const { trimmed } = await this.head();
    if (position <= trimmed) return trimmedLog(this.name, trimmed, position);
    return damagedRecord(this.name, position, "is missing");
  }
}
