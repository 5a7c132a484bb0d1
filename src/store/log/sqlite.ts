/** The log in one SQLite file, synchronous inside; why so: docs/decisions/0001-log-on-sqlite.md.
 *
 *  open → full: an append found no room; the ballast is deleted, for snapshots and trims only.
 *  full → open: an append found room for the ballast again.
 *  any → refusing: the disk failed, or another process took over; only reads and `close` still
 *  work. any → closed. */
import { statSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { ClusterError } from "../../core/error.ts";
import { hit } from "../failpoint.ts";
import { isFull, storageFailure } from "../failure.ts";
import { chainHash, sealOf } from "./chain.ts";
import type { Log, LogRecord } from "./log.ts";
import * as rules from "./rules.ts";
import { type Head, pageBytes, pragma, writeHead } from "./schema.ts";
import { type ClaimedFile, claimFile } from "./sqlite-open.ts";
import { RecordReader } from "./sqlite-read.ts";

export type SqliteLogOptions = {
  /** Ignore the lock of a process that hangs; its next write gets `fenced`. Default false. */
  readonly takeOver?: boolean;
  /** Space held back for snapshots and trims on a full disk; default 8 MiB, 0 = none. */
  readonly ballastBytes?: number;
  /** Largest record; default 64 MiB. */
  readonly recordMaxBytes?: number;
  /** Largest snapshot; default 512 MiB, at most 900 MiB (SQLite's own limit is 1 GB). */
  readonly snapshotMaxBytes?: number;
  /** Appends are refused (`unavailable`) while a foreign reader keeps the WAL above this; default 1
   *  GiB. */
  readonly walMaxBytes?: number;
};

type Limits = Required<Omit<SqliteLogOptions, "takeOver" | "ballastBytes">>;

/** Records trimmed in one transaction, so that a large trim does not block the process. */
const trimRecordsMax = 10_000;
/** Free pages beyond this are returned to the disk after a trim. */
const freePagesMax = (16 << 20) / pageBytes;
/** Pages returned in one transaction. */
const shrinkPages = 64;

/** Opens or creates the log at `path`. Throws `fenced` while another handle has it open,
 *  `bad-request` for a path that cannot be used, `version-mismatch`, `storage-full`,
 *  `storage-failed` when it is damaged. */
export async function openSqliteLog(path: string, options: SqliteLogOptions = {}): Promise<Log> {
  const { takeOver = false, ballastBytes = 8 << 20 } = options;
  return new SqliteLog(claimFile(path, { takeOver, ballastBytes }), {
    recordMaxBytes: options.recordMaxBytes ?? 64 << 20,
    snapshotMaxBytes: Math.min(options.snapshotMaxBytes ?? 512 << 20, 900 << 20),
    walMaxBytes: options.walMaxBytes ?? 1 << 30,
  });
}

class SqliteLog implements Log {
  readonly #file: ClaimedFile;
  readonly #limits: Limits;
  readonly #inodes: readonly number[];
  readonly #reader: RecordReader;
  readonly #insert: StatementSync;
  readonly #generation: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  /** Always up to date, unlike the stored one. */
  #head: Head;
  #full: boolean;
  #refusal: ClusterError | null = null;
  #closed = false;

  constructor(file: ClaimedFile, limits: Limits) {
    this.#file = file;
    this.#limits = limits;
    this.#head = file.head;
    this.#inodes = this.#paths().map(inode);
    this.#full = !file.hasReserve;
    const { database } = file;
    this.#insert = database.prepare("INSERT INTO record VALUES (?, ?, ?)");
    this.#reader = new RecordReader(database, file.path);
    this.#generation = database.prepare("SELECT generation FROM head WHERE slot = 1");
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
  }

  async append(records: readonly Uint8Array[], after: number): Promise<number> {
    this.#mustWrite();
    const { path } = this.#file;
    let { last, lastHash } = this.#head;
    if (after !== last) throw rules.fencedLog(path, `it ends at ${last}, not at ${after}`);
    for (const bytes of records) {
      const option: [string, number] = ["recordMaxBytes", this.#limits.recordMaxBytes];
      rules.checkRecordSize(`a record for ${path}`, bytes.byteLength, option);
    }
    this.#mustHaveRoom();
    this.#change(records.length === 0 ? "ROLLBACK" : "COMMIT", () => {
      for (const bytes of records) {
        last += 1;
        lastHash = chainHash(last, lastHash, bytes);
        hit("log.insert", "before");
        this.#insert.run(last, lastHash, bytes);
        hit("log.insert", "after");
      }
    });
    this.#head = { ...this.#head, last, lastHash };
    this.#testify();
    return last;
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    this.#mustBeOpen();
    const end = this.#head.last;
    if (after >= end) return;
    this.#mustRemember(after + 1);
    let from = { position: after, hash: this.#reader.hashAt(after, this.#head) };
    while (from.position < end) {
      this.#mustBeOpen();
      this.#mustRemember(from.position + 1);
      for (const { position, hash, bytes } of this.#reader.page(from, end)) {
        from = { position, hash };
        yield { position, bytes };
      }
    }
  }

  async last(): Promise<number> {
    this.#mustBeOpen();
    return this.#head.last;
  }

  async saveSnapshot(position: number, bytes: Uint8Array): Promise<void> {
    this.#mustWrite();
    const { database, path } = this.#file;
    const from = this.#reader.snapshotPosition();
    rules.checkSnapshot(path, position, { from, to: this.#head.last });
    const option: [string, number] = ["snapshotMaxBytes", this.#limits.snapshotMaxBytes];
    rules.checkRecordSize(`a snapshot for ${path}`, bytes.byteLength, option);
    hit("log.snapshot", "before");
    this.#change("COMMIT", () => {
      const seal = sealOf([position, bytes]);
      database.prepare("REPLACE INTO snapshot VALUES (1, ?, ?, ?)").run(position, seal, bytes);
      writeHead(database, this.#head);
    });
    hit("log.snapshot", "after");
  }

  async loadSnapshot(): Promise<LogRecord | null> {
    this.#mustBeOpen();
    return this.#reader.snapshot();
  }

  async trim(position: number): Promise<void> {
    this.#mustWrite();
    rules.checkTrim(this.#file.path, position, this.#reader.snapshotPosition());
    while (this.#head.trimmed < position) {
      this.#forget(Math.min(position, this.#head.trimmed + trimRecordsMax));
      await this.#letOthersWrite();
    }
    this.#truncateWal();
    await this.#shrink();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { database, witness, lock } = this.#file;
    try {
      if (this.#refusal === null) {
        hit("log.close", "before");
        this.#change("COMMIT", () => writeHead(database, this.#head));
        witness.sync();
        hit("log.close", "after");
      }
    } catch {
      // No records are left to save: what was acknowledged is in the WAL.
    } finally {
      witness.close();
      database.close();
      lock.release();
    }
  }

  #forget(upTo: number): void {
    const { database } = this.#file;
    const trimmedHash = this.#reader.hashAt(upTo, this.#head);
    const head = { ...this.#head, trimmed: upTo, trimmedHash };
    hit("log.trim", "before");
    this.#change("COMMIT", () => {
      database.prepare("DELETE FROM record WHERE position <= ?").run(upTo);
      writeHead(database, head);
    });
    hit("log.trim", "after");
    this.#head = head;
  }

  /** Returns free pages to the disk, in portions that need little room themselves. */
  async #shrink(): Promise<void> {
    const { database } = this.#file;
    const free = (): number => Number(pragma(database, "freelist_count"));
    const keep = this.#full ? 0 : freePagesMax;
    for (let left = free(); left > keep; ) {
      const before = left;
      try {
        this.#change("COMMIT", () => {
          hit("log.shrink", "before");
          database.prepare(`PRAGMA incremental_vacuum(${shrinkPages})`).all();
          hit("log.shrink", "after");
        });
      } catch (error) {
        // The trim itself is done; the pages are returned after the next one.
        if (isFull(error)) return;
        throw error;
      }
      this.#truncateWal();
      left = free();
      if (left >= before) return;
      await this.#letOthersWrite();
    }
  }

  /** Between two portions of a long job. */
  async #letOthersWrite(): Promise<void> {
    await new Promise((resume) => setImmediate(resume));
    this.#mustWrite();
  }

  /** One transaction by the current writer, durable when this returns. */
  #change(ending: "COMMIT" | "ROLLBACK", work: () => void): void {
    const { database, path } = this.#file;
    try {
      hit("log.begin", "before");
      this.#begin.run();
      hit("log.begin", "after");
      const generation = this.#generation.get()?.generation;
      if (generation !== this.#head.generation) {
        throw rules.fencedLog(path, "another process took over");
      }
      work();
      hit("log.commit", "before");
      if (ending === "COMMIT") this.#commit.run();
      else database.exec("ROLLBACK");
      hit("log.commit", "after");
    } catch (error) {
      this.#rollBack();
      throw this.#failed(storageFailure(error, `a write to ${path}`));
    }
    if (this.#filesChanged()) {
      const what = `${path} or its -wal file was deleted or replaced while in use`;
      const text = `${what}: stop this process (it saves what it can), then start again`;
      throw this.#failed(new ClusterError("storage-failed", text));
    }
  }

  #rollBack(): void {
    const { database, path } = this.#file;
    try {
      if (database.isTransaction) database.exec("ROLLBACK");
    } catch (error) {
      throw this.#failed(storageFailure(error, `undoing a write to ${path}`));
    }
  }

  /** The records are durable already, so a failure concerns only later ones. */
  #testify(): void {
    try {
      hit("log.witness", "before");
      this.#file.witness.write(this.#head.last, this.#head.lastHash);
      hit("log.witness", "after");
    } catch (error) {
      this.#failed(storageFailure(error, `the witness of ${this.#file.path}`));
    }
  }

  #failed(error: ClusterError): ClusterError {
    if (isFull(error)) {
      this.#full = true;
      this.#file.ballast.release();
    } else if (error.code !== "unavailable") {
      this.#refusal = error;
    }
    return error;
  }

  #paths(): readonly string[] {
    return [this.#file.path, `${this.#file.path}-wal`];
  }

  /** What is written to a file without a name is lost: checked after each commit, before it is
   *  acknowledged. */
  #filesChanged(): boolean {
    return this.#paths().some((path, index) => inode(path) !== this.#inodes[index]);
  }

  #truncateWal(): void {
    try {
      hit("log.checkpoint", "before");
      this.#file.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      hit("log.checkpoint", "after");
    } catch (error) {
      const failure = storageFailure(error, `the checkpoint of ${this.#file.path}`);
      if (failure.code === "storage-failed") throw this.#failed(failure);
    }
  }

  #mustBeOpen(): void {
    if (this.#closed) throw rules.closedLog(this.#file.path);
  }

  #mustWrite(): void {
    this.#mustBeOpen();
    if (this.#refusal !== null) throw this.#refusal;
  }

  #mustRemember(position: number): void {
    const { trimmed } = this.#head;
    if (position <= trimmed) throw rules.trimmedLog(this.#file.path, trimmed, position);
  }

  #mustHaveRoom(): void {
    const { path, ballast } = this.#file;
    if (this.#full) {
      this.#full = !ballast.ensure();
      if (this.#full) {
        const text = `the disk of ${path} is full, nothing was written; free space, then retry`;
        throw new ClusterError("storage-full", text);
      }
    }
    const { walMaxBytes } = this.#limits;
    const walBytes = (): number => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    if (walBytes() <= walMaxBytes) return;
    this.#truncateWal();
    if (walBytes() <= walMaxBytes) return;
    const what = `${path}-wal is above ${walMaxBytes} bytes, since another program reads the log`;
    const text = `${what}: end that program, or raise walMaxBytes`;
    throw new ClusterError("unavailable", text);
  }
}

/** −1 when there is no such file. */
function inode(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? -1;
}
