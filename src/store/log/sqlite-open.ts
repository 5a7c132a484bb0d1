/** Opening a log file: the place is checked, locked, made durable, upgraded, verified, and then
 *  claimed. */
import { chmodSync, lstatSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../../core/error.ts";
import { makeDirectory, syncDirectoryNow } from "../directory.ts";
import { hit } from "../failpoint.ts";
import { isFull, placeFailure, storageFailure, systemCode } from "../failure.ts";
import { Ballast } from "./ballast.ts";
import { sameHash } from "./chain.ts";
import { createPrivate, type FileLock, lockFile } from "./lock.ts";
import { damagedRecord } from "./rules.ts";
import {
  assertDurable,
  type Head,
  headOrStart,
  makeDurable,
  pageBytes,
  pragma,
  readHead,
  upgrade,
  walPagesMax,
  writeHead,
} from "./schema.ts";
import { RecordReader } from "./sqlite-read.ts";
import { readWitness, Witness } from "./witness.ts";

/** Longest wait for another program's lock, ms; it blocks the whole process. */
const busyTimeoutMs = 100;

/** A log file that this process has claimed: everything that `close` must release. */
export type ClaimedFile = {
  readonly path: string;
  readonly database: DatabaseSync;
  readonly lock: FileLock;
  readonly witness: Witness;
  readonly ballast: Ballast;
  /** False when the disk has no room for the ballast now. */
  readonly hasReserve: boolean;
  readonly head: Head;
};

export function claimFile(
  givenPath: string,
  options: { readonly takeOver: boolean; readonly ballastBytes: number },
): ClaimedFile {
  const path = resolve(givenPath);
  checkPath(path);
  makeDirectory(dirname(path));
  const lock = takeLock(path, options.takeOver);
  let database: DatabaseSync | null = null;
  let witness: Witness | null = null;
  try {
    const ballast = new Ballast(`${path}.ballast`, options.ballastBytes);
    database = withBallast(ballast, () => openDatabase(path, walPagesFor(options.ballastBytes)));
    const head = claim(database, path, ballast);
    hit("log.witness-open", "before");
    witness = new Witness(`${path}.witness`);
    witness.write(head.last, head.lastHash);
    hit("log.witness-open", "after");
    hit("log.witness-sync", "before");
    witness.sync();
    hit("log.witness-sync", "after");
    const hasReserve = ballast.ensure();
    hit("log.directory-sync", "before");
    syncDirectoryNow(dirname(path));
    hit("log.directory-sync", "after");
    return { path, database, lock, witness, ballast, hasReserve, head };
  } catch (error) {
    witness?.close();
    database?.close();
    lock.release();
    throw storageFailure(error, path);
  }
}

function checkPath(path: string): void {
  const refuse = (reason: string): never => {
    throw new ClusterError("bad-request", `${path} ${reason}`);
  };
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isDirectory()) refuse("is a directory: name a file in it");
    if (found.isSymbolicLink()) refuse("is a symbolic link: name the file itself");
    if (!found.isFile()) refuse("is not a plain file: choose another path");
    const user = process.geteuid?.();
    if (user !== undefined && found.uid !== user) {
      refuse(`belongs to user ${found.uid}, this process is user ${user}: run as that user`);
    }
  } catch (error) {
    if (systemCode(error) !== "") throw placeFailure(error, path);
    throw error;
  }
}

function takeLock(path: string, takeOver: boolean): FileLock {
  let lock: FileLock | null;
  try {
    hit("log.lock", "before");
    lock = lockFile(`${path}.lock`, takeOver);
    hit("log.lock", "after");
  } catch (error) {
    throw placeFailure(error, `${path}.lock`);
  }
  if (lock !== null) return lock;
  const way = "stop that process first, or choose another data directory";
  throw new ClusterError("fenced", `${path} is in use by ${holderOf(path)}: ${way}`);
}

/** Best effort: the file may be new, or half created. */
function holderOf(path: string): string {
  try {
    const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    try {
      return readHead(database, path)?.holder ?? "another process";
    } finally {
      database.close();
    }
  } catch {
    return "another process";
  }
}

/** On a full disk the WAL can only be emptied if the database may grow by as much. The WAL may have
 *  grown to twice its limit by then, and the ballast must make room for that. */
function walPagesFor(ballastBytes: number): number {
  if (ballastBytes === 0) return walPagesMax;
  return Math.max(1, Math.min(walPagesMax, Math.floor(ballastBytes / pageBytes / 2)));
}

function openDatabase(path: string, walPages: number): DatabaseSync {
  createPrivate(path);
  chmodSync(path, 0o600);
  const database = new DatabaseSync(path, { timeout: busyTimeoutMs });
  try {
    hit("log.settings", "before");
    makeDurable(database, walPages);
    hit("log.settings", "after");
    assertDurable(database, path);
    upgrade(database, path);
    // Finds what no hash covers, such as a free list that would let writes overwrite records.
    const verdict = pragma(database, "quick_check(1)");
    if (verdict !== "ok") {
      const text = `${path} is damaged (${verdict}): restore the directory from a backup`;
      throw new ClusterError("storage-failed", text);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `work` again without the ballast when the disk is full: opening writes a little, too. */
function withBallast<T>(ballast: Ballast, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isFull(error)) throw error;
    ballast.release();
    return work();
  }
}

/** Becomes the newest generation. */
function claim(database: DatabaseSync, path: string, ballast: Ballast): Head {
  const found = verifiedHead(database, path);
  const holder = `process ${process.pid} on ${hostname()}`;
  const head = { ...found, generation: found.generation + 1, holder };
  withBallast(ballast, () => claimGeneration(database, path, head));
  return head;
}

function claimGeneration(database: DatabaseSync, path: string, head: Head): void {
  try {
    database.exec("BEGIN IMMEDIATE");
    const before = readHead(database, path)?.generation ?? 0;
    if (before !== head.generation - 1) {
      throw new ClusterError("fenced", `${path} was opened by another process just now: retry`);
    }
    writeHead(database, head);
    hit("log.claim", "before");
    database.exec("COMMIT");
    hit("log.claim", "after");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** The head with the real end of the log, after checking that no record is missing there. */
function verifiedHead(database: DatabaseSync, path: string): Head {
  const head = headOrStart(database, path);
  const reader = new RecordReader(database, path);
  const end = verifiedEnd(reader, database, head);
  const known = [
    { by: "its head row", position: head.last, hash: head.lastHash },
    { by: "its snapshot", position: reader.snapshotPosition(), hash: null },
    { by: "its witness", ...(readWitness(`${path}.witness`) ?? { position: 0, hash: null }) },
  ];
  for (const { by, position, hash } of known) {
    if (position > end.last) {
      throw damagedRecord(path, end.last + 1, `is missing, ${by} has seen record ${position}`);
    }
    if (hash === null || position < head.trimmed) continue;
    if (!sameHash(reader.hashAt(position, head), hash)) {
      throw damagedRecord(path, position, `is not the one that ${by} has seen`);
    }
  }
  return { ...head, ...end };
}

/** The last record, itself verified, since the next one will be chained to it. */
function verifiedEnd(
  reader: RecordReader,
  database: DatabaseSync,
  head: Head,
): { readonly last: number; readonly lastHash: Uint8Array } {
  const row = database.prepare("SELECT max(position) AS last FROM record").get();
  if (typeof row?.last !== "number") return { last: head.trimmed, lastHash: head.trimmedHash };
  const position = row.last - 1;
  const [end] = reader.page({ position, hash: reader.hashAt(position, head) }, row.last);
  return { last: row.last, lastHash: end!.hash };
}
