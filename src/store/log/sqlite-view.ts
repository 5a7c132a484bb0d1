/** A log file as another process reads it: without its lock, without changing it, while its owner
 *  writes on. It shows the log at the moment of opening.
 *
 *  Apart from the log itself because this one continues after damage, to name all of it. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../../core/error.ts";
import { storageFailure } from "../failure.ts";
import { chainHash, hashBytes, sameHash } from "./chain.ts";
import { createPrivate } from "./lock.ts";
import type { LogRecord } from "./log.ts";
import { type Head, headOrStart, pragma, readHead, schemaSteps } from "./schema.ts";
import { RecordReader } from "./sqlite-read.ts";
import { readWitness, type Testimony } from "./witness.ts";

const busyTimeoutMs = 5_000;
/** Records read at once. */
const pageRecords = 256;
/** Limit on SQLite's own findings, lines. */
const verdictsMax = 20;

/** `problem` is "" for an intact record; the bytes of a damaged one are what is left of them. */
export type InspectedRecord = LogRecord & { readonly problem: string };

type Row = { position: number; hash: Uint8Array; bytes: Uint8Array };

/** Throws `not-found`, `version-mismatch`, `storage-failed` when not even the head can be read. */
export function openLogView(path: string): LogView {
  return new LogView(resolve(path));
}

/** A copy of the log as it is now, in a file of its own, not yet synced. `to` must not exist. */
export function copyLog(path: string, to: string): void {
  mustExist(path);
  let database: DatabaseSync | null = null;
  try {
    createPrivate(to);
    database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    database.prepare("VACUUM INTO ?").run(to);
  } catch (error) {
    throw storageFailure(error, `the copy of ${path}`);
  } finally {
    database?.close();
  }
}

export class LogView {
  readonly path: string;
  /** The version of the tables. */
  readonly format: number;
  /** With the real end of the log; not verified by itself. */
  readonly head: Head;
  readonly #database: DatabaseSync;
  readonly #reader: RecordReader;
  /** Null when there is none; an error when it is damaged. */
  readonly #witness: Testimony | ClusterError | null;

  constructor(path: string) {
    mustExist(path);
    this.path = path;
    // Read before the log, which may grow meanwhile: otherwise the witness could seem to be ahead.
    this.#witness = witnessOf(path);
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    try {
      this.format = readFormat(this.#database, path);
      this.#database.exec("BEGIN");
      this.#reader = new RecordReader(this.#database, path);
      this.head = this.#readHead();
    } catch (error) {
      this.#database.close();
      throw storageFailure(error, path);
    }
  }

  /** What is wrong with the file as a whole, as text; empty when nothing is. */
  problems(): string[] {
    const found = this.#structure();
    const { head } = this;
    const stored = readHead(this.#database, this.path);
    const known = [
      { by: "the head row", position: stored?.last ?? 0, hash: stored?.lastHash ?? null },
      { by: "the snapshot", position: this.#reader.snapshotPosition(), hash: null },
    ];
    if (this.#witness instanceof ClusterError) found.push(this.#witness.text);
    else if (this.#witness !== null) known.push({ by: "the witness", ...this.#witness });
    for (const { by, position, hash } of known) {
      if (position > head.last) {
        found.push(`records ${head.last + 1} to ${position} are missing: ${by} has seen them`);
      } else if (hash !== null && position > head.trimmed && !this.#has(position, hash)) {
        found.push(`record ${position} is not the one that ${by} has seen`);
      }
    }
    return found;
  }

  /** Every record, in order, good or not. */
  *inspect(): Iterable<InspectedRecord> {
    let { trimmed: position, trimmedHash: hash } = this.head;
    while (position < this.head.last) {
      const to = Math.min(position + pageRecords, this.head.last);
      const rows = this.#rows(position, to);
      for (position += 1; position <= to; position += 1) {
        const row = rows.get(position);
        if (row === undefined) {
          yield { position, bytes: new Uint8Array(), problem: "is missing or cannot be read" };
          hash = new Uint8Array(hashBytes);
          continue;
        }
        const isGood = sameHash(chainHash(position, hash, row.bytes), row.hash);
        const problem = isGood ? "" : "is damaged, or the one before it";
        yield { position, bytes: row.bytes, problem };
        hash = row.hash;
      }
      position = to;
    }
  }

  /** As in `Log`: throws at the first damage. */
  async *read(after: number): AsyncIterable<LogRecord> {
    let from = { position: after, hash: this.#reader.hashAt(after, this.head) };
    while (from.position < this.head.last) {
      for (const row of this.#reader.page(from, this.head.last)) {
        from = row;
        yield row;
      }
    }
  }

  async loadSnapshot(): Promise<LogRecord | null> {
    return this.#reader.snapshot();
  }

  close(): void {
    this.#database.close();
  }

  #structure(): string[] {
    try {
      const rows = this.#database.prepare(`PRAGMA integrity_check(${verdictsMax})`).all();
      return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok");
    } catch (error) {
      return [storageFailure(error, this.path).text];
    }
  }

  #has(position: number, hash: Uint8Array): boolean {
    try {
      return sameHash(this.#reader.hashAt(position, this.head), hash);
    } catch {
      return false;
    }
  }

  #readHead(): Head {
    const head = headOrStart(this.#database, this.path);
    const row = this.#database.prepare("SELECT max(position) AS last FROM record").get();
    const last = typeof row?.last === "number" ? row.last : head.trimmed;
    return { ...head, last };
  }

  /** Row by row where a page cannot be read, so that one bad spot hides as little as possible. */
  #rows(after: number, to: number): Map<number, Row> {
    const select = this.#database.prepare(
      "SELECT * FROM record WHERE position > ? AND position <= ?",
    );
    const rows = (from: number, end: number) => select.all(from, end) as unknown as Row[];
    try {
      return new Map(rows(after, to).map((row) => [row.position, row]));
    } catch {
      const found = new Map<number, Row>();
      for (let position = after; position < to; position += 1) {
        try {
          for (const row of rows(position, position + 1)) found.set(row.position, row);
        } catch {
          // Reported as a record that cannot be read.
        }
      }
      return found;
    }
  }
}

function mustExist(path: string): void {
  if (existsSync(path)) return;
  throw new ClusterError(
    "not-found",
    `there is no log ${path}: name a data directory, or a backup`,
  );
}

function witnessOf(path: string): Testimony | ClusterError | null {
  try {
    return readWitness(`${path}.witness`);
  } catch (error) {
    return storageFailure(error, `${path}.witness`);
  }
}

function readFormat(database: DatabaseSync, path: string): number {
  const format = Number(pragma(database, "user_version"));
  if (format > schemaSteps.length) {
    const text = `${path} has format ${format}, this version knows ${schemaSteps.length}`;
    throw new ClusterError("version-mismatch", `${text}: use the version that wrote it`);
  }
  if (format > 0) return format;
  throw new ClusterError("storage-failed", `${path} is no log, or its first page is damaged`);
}
