/** Which name stands for which blob, and which jobs there are: a table on the disk, so that what
 *  was acknowledged is there after a restart. A change is durable when its call returns. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Hash } from "../../../../core/ids.ts";
import { makeDirectory } from "../../../../store/directory.ts";
import { storageFailure } from "../../../../store/failure.ts";
import { catalogueFile, filesystemDir } from "../../../filesystem-dir.ts";

export type StoredFile = {
  /** The sender's name, `job/file`. */
  readonly name: string;
  /** SHA-256 of the bytes: the blob's name. */
  readonly hash: Hash;
  readonly sizeBytes: number;
  /** Merkle root, which peers use, and the hashes of its pieces. */
  readonly root: Hash;
  readonly layer: Uint8Array;
};

const schema = `
  CREATE TABLE IF NOT EXISTS file (
    name TEXT PRIMARY KEY, hash TEXT NOT NULL, size INTEGER NOT NULL, root TEXT NOT NULL,
    layer BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS append (
    id INTEGER PRIMARY KEY, job TEXT NOT NULL, block TEXT NOT NULL, message BLOB,
    call INTEGER, missing INTEGER NOT NULL DEFAULT 0
  ) STRICT`;
/** What earlier versions did not have. */
const addedColumns = ["call INTEGER", "missing INTEGER NOT NULL DEFAULT 0"];

/** What becomes durable together with files. */
export type Along = {
  /** It exists from now on. */
  readonly job?: string;
  /** Id of the append whose pairs the files hold from now on. */
  readonly merged?: number;
};

/** A message of APPENDBLOCK that was accepted, and whose block is not DONE yet. */
export type Append = {
  readonly job: string;
  readonly block: string;
  readonly message: Uint8Array;
  /** Id of the first message of its call; null = it is the first. */
  readonly call: number | null;
  /** Files of its block that were still to come behind it; 0 = none. */
  readonly missing: number;
};

/** The same without its bytes. */
export type Noted = Omit<Append, "message"> & { readonly id: number };

export class Catalogue {
  readonly #database: DatabaseSync;

  constructor(dataDir: string) {
    const dir = join(dataDir, filesystemDir);
    makeDirectory(dir);
    this.#database = new DatabaseSync(join(dir, catalogueFile), { timeout: 5_000 });
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    this.#database.exec(schema);
    const columns = this.#database.prepare("PRAGMA table_info(append)").all();
    for (const added of addedColumns) {
      if (columns.some(({ name }) => added.startsWith(`${String(name)} `))) continue;
      this.#database.exec(`ALTER TABLE append ADD COLUMN ${added}`);
    }
  }

  find(name: string): StoredFile | null {
    const row = this.#database.prepare("SELECT * FROM file WHERE name = ?").get(name);
    return row === undefined ? null : storedFile(row);
  }

  /** Files whose name begins with `below`, sorted; all by default. */
  files(below = ""): StoredFile[] {
    const sql = "SELECT * FROM file WHERE substr(name, 1, ?) = ? ORDER BY name";
    return this.#database
      .prepare(sql)
      .all([...below].length, below)
      .map(storedFile);
  }

  hasJob(job: string): boolean {
    return this.#database.prepare("SELECT 1 FROM job WHERE name = ?").get(job) !== undefined;
  }

  /** All or nothing. Throws `storage-full`, `storage-failed`. */
  put(files: readonly StoredFile[], { job, merged }: Along = {}): void {
    this.#together(() => {
      const insert = this.#database.prepare("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?)");
      for (const { name, hash, sizeBytes, root, layer } of files) {
        insert.run(name, hash, sizeBytes, root, layer);
      }
      if (job !== undefined) {
        this.#database.prepare("INSERT OR IGNORE INTO job VALUES (?)").run(job);
      }
      if (merged !== undefined) {
        this.#database.prepare("UPDATE append SET message = NULL WHERE id = ?").run(merged);
      }
    });
  }

  /** Notes an append before it is acknowledged; returns its id. Throws as `put` does. */
  beginAppend({ block, call, job, message, missing }: Append): number {
    let id = 0;
    this.#together(() => {
      const columns = "job, block, message, call, missing";
      const sql = `INSERT INTO append (${columns}) VALUES (?, ?, ?, ?, ?)`;
      const insert = this.#database.prepare(sql);
      id = Number(insert.run(job, block, message, call, missing).lastInsertRowid);
    });
    return id;
  }

  /** As it was received; null = it is merged, or gone with its job. */
  appended(id: number): Uint8Array | null {
    const row = this.#database.prepare("SELECT message FROM append WHERE id = ?").get(id);
    return (row?.message ?? null) as Uint8Array | null;
  }

  /** Ids of those of one block that were begun and not ended. */
  appendsOf(job: string, block: string): number[] {
    const sql = "SELECT id FROM append WHERE job = ? AND block = ?";
    return this.#database
      .prepare(sql)
      .all(job, block)
      .map(({ id }) => Number(id));
  }

  /** It is over: its block says so, or nothing of it is written. */
  endAppend(id: number): void {
    this.#together(() => void this.#database.prepare("DELETE FROM append WHERE id = ?").run(id));
  }

  /** Those that were begun and not ended, in order. */
  appends(): Noted[] {
    const sql = "SELECT id, job, block, call, missing FROM append ORDER BY id";
    const rows = this.#database.prepare(sql).all() as Noted[];
    return rows.map((row) => ({ ...row, call: row.call ?? row.id }));
  }

  /** Removes the job and all of its files; returns their names. */
  removeJob(job: string): string[] {
    let names: string[] = [];
    this.#together(() => {
      const below = `${job}/`;
      names = this.#database
        .prepare("DELETE FROM file WHERE substr(name, 1, ?) = ? RETURNING name")
        .all([...below].length, below)
        .map(({ name }) => name as string);
      for (const gone of ["DELETE FROM job WHERE name = ?", "DELETE FROM append WHERE job = ?"]) {
        this.#database.prepare(gone).run(job);
      }
    });
    return names;
  }

  close(): void {
    this.#database.close();
  }

  #together(work: () => void): void {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw storageFailure(error, "the list of files of the filesystem protocol");
    }
  }
}

function storedFile(row: Record<string, unknown>): StoredFile {
  const { hash, layer, name, root, size } = row;
  return {
    name: name as string,
    hash: hash as Hash,
    sizeBytes: size as number,
    root: root as Hash,
    layer: layer as Uint8Array,
  };
}
