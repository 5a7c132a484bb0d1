/** What the filesystem protocol keeps in a data directory, and what of it a backup holds. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../core/error.ts";
import type { Hash } from "../core/ids.ts";
import { storageFailure } from "../store/failure.ts";

/** Below the data directory. */
export const filesystemDir = "filesystem";
/** In it: names and blobs of files, databases of jobs, the register, and what the JobTracker has
 *  taken. */
export const catalogueFile = "files.sqlite";
export const databasesDir = "jobs";
export const registerFile = "register.json";
export const jobtrackerFile = "jobtracker.json";

const busyTimeoutMs = 5_000;

/** Hashes of all files in a data directory, also while nothing serves them. Throws
 *  `storage-failed`. */
export function storedHashes(dataDir: string): Hash[] {
  const path = join(dataDir, filesystemDir, catalogueFile);
  if (!existsSync(path)) return [];
  return reading(path, (database) =>
    database
      .prepare("SELECT DISTINCT hash FROM file")
      .all()
      .map(({ hash }) => hash as Hash),
  );
}

/** Paths of what is kept, from the data directory, those that others depend on last: a database is
 *  never older than the file that names it. */
export function filesystemFiles(dataDir: string): string[] {
  const root = join(dataDir, filesystemDir);
  const databases = join(root, databasesDir);
  const jobs = existsSync(databases) ? readdirSync(databases).sort() : [];
  return [
    registerFile,
    jobtrackerFile,
    ...jobs.filter((name) => name.endsWith(".sqlite3")).map((name) => `${databasesDir}/${name}`),
    catalogueFile,
  ]
    .filter((name) => existsSync(join(root, name)))
    .map((name) => `${filesystemDir}/${name}`);
}

/** Copies what `filesystemFiles` names, each as of one moment; what was copied. A job that is
 *  removed meanwhile is left out. */
export function copyFilesystem(dataDir: string, to: string): string[] {
  return filesystemFiles(dataDir).filter((name) => {
    const [from, target] = [join(dataDir, name), join(to, name)];
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    try {
      if (!isDatabase(name)) copyFileSync(from, target);
      else reading(from, (database) => database.prepare("VACUUM INTO ?").run(target));
      chmodSync(target, 0o600);
      return true;
    } catch (error) {
      if (!existsSync(from)) return false;
      throw storageFailure(error, `the copy of ${name}`);
    }
  });
}

/** Null, or what is wrong with one of them. */
export function filesystemProblem(dataDir: string, name: string): string | null {
  const path = join(dataDir, name);
  try {
    if (!isDatabase(name)) {
      JSON.parse(readFileSync(path, "utf8"));
      return null;
    }
    const [row] = reading(path, (database) => database.prepare("PRAGMA quick_check").all());
    return row?.quick_check === "ok" ? null : `is damaged: ${String(row?.quick_check)}`;
  } catch (error) {
    return error instanceof ClusterError ? error.text : "is damaged";
  }
}

function isDatabase(name: string): boolean {
  return /\.sqlite3?$/.test(name);
}

function reading<T>(path: string, read: (database: DatabaseSync) => T): T {
  let database: DatabaseSync | null = null;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeoutMs });
    return read(database);
  } catch (error) {
    throw storageFailure(error, path);
  } finally {
    database?.close();
  }
}
