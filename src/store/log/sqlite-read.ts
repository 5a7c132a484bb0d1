/** Verified reads from a log file: apart from the writer, since a log that refuses writes can still
 *  be read. */
import type { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../../core/error.ts";
import { storageFailure } from "../failure.ts";
import { chainHash, sameHash, sealOf } from "./chain.ts";
import type { LogRecord } from "./log.ts";
import { damagedRecord } from "./rules.ts";

/** What a page holds at most, whichever is reached first; a single record may be larger. */
const pageRecordsMax = 256;
const pageBytesMax = 1 << 20;

type Row = {
  readonly position: number;
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
};

export class RecordReader {
  readonly #database: DatabaseSync;
  readonly #path: string;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** Some records after `from`, at least one, up to and including `end`. No statement stays open
   *  between two pages, since an open one would keep the WAL from being emptied. */
  page(from: { readonly position: number; readonly hash: Uint8Array }, end: number): Row[] {
    const rows: Row[] = [];
    let { position, hash } = from;
    let heldBytes = 0;
    for (const row of this.#rows(position, end)) {
      if (row.position !== position + 1) break;
      if (!sameHash(chainHash(row.position, hash, row.bytes), row.hash)) {
        const orBefore = rows.length === 0 && position > 0 ? ", or the one before it" : "";
        throw damagedRecord(this.#path, row.position, `is damaged${orBefore}`);
      }
      ({ position, hash } = row);
      rows.push(row);
      heldBytes += row.bytes.byteLength;
      if (rows.length >= pageRecordsMax || heldBytes >= pageBytesMax) break;
    }
    if (rows.length === 0) throw damagedRecord(this.#path, position + 1, "is missing");
    return rows;
  }

  *#rows(after: number, end: number): Iterable<Row> {
    let next = after + 1;
    try {
      const select = this.#database.prepare(
        "SELECT * FROM record WHERE position > ? AND position <= ? ORDER BY position",
      );
      for (const row of select.iterate(after, end) as Iterable<unknown> as Iterable<Row>) {
        next = row.position + 1;
        yield row;
      }
    } catch (error) {
      throw storageFailure(error, `record ${next} of ${this.#path}`);
    }
  }

  snapshot(): LogRecord | null {
    const what = `the snapshot of ${this.#path}`;
    let row: Row | undefined;
    try {
      const select = this.#database.prepare("SELECT * FROM snapshot WHERE slot = 1");
      row = select.get() as unknown as Row | undefined;
    } catch (error) {
      throw storageFailure(error, what);
    }
    if (row === undefined) return null;
    const { position, hash, bytes } = row;
    if (sameHash(hash, sealOf([position, bytes]))) return { position, bytes };
    const text = `${what} at ${position} is damaged: restore the directory from a backup`;
    throw new ClusterError("storage-failed", text);
  }

  /** 0 when there is no snapshot. */
  snapshotPosition(): number {
    const select = this.#database.prepare("SELECT position FROM snapshot WHERE slot = 1");
    return Number(select.get()?.position ?? 0);
  }

  /** The stored hash of a record, or of where the chain starts. */
  hashAt(
    position: number,
    start: { readonly trimmed: number; readonly trimmedHash: Uint8Array },
  ): Uint8Array {
    if (position === start.trimmed) return start.trimmedHash;
    const select = this.#database.prepare("SELECT hash FROM record WHERE position = ?");
    const found = select.get(position)?.hash as Uint8Array | undefined;
    if (found === undefined) throw damagedRecord(this.#path, position, "is missing");
    return found;
  }
}
