/** The SQLite database of each job, with the tables of the protocol. Values are bound, never
 *  concatenated into SQL; names of tables and columns come from a fixed list. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ClusterError } from "../../../../core/error.ts";
import { makeDirectory } from "../../../../store/directory.ts";
import { storageFailure } from "../../../../store/failure.ts";
import type { Details } from "../../../../wire/filesystem/messages.ts";
import { keyColumns, type TableName, tables } from "../../../../wire/filesystem/tables.ts";
import { databasesDir, filesystemDir } from "../../../filesystem-dir.ts";

type Of<C extends Details["call"]> = Extract<Details, { call: C }>;
export type Row = Readonly<Record<string, string>>;

const schema = Object.entries(tables).map(([table, columns]) => {
  const key = columns.slice(0, keyColumns[table as TableName]).join(", ");
  const all = `${columns.join(" TEXT, ")} TEXT`;
  return `CREATE TABLE IF NOT EXISTS ${table} (${all}, PRIMARY KEY (${key}))`;
});

export class Databases {
  readonly #dir: string;

  constructor(dataDir: string) {
    this.#dir = join(dataDir, filesystemDir, databasesDir);
    makeDirectory(this.#dir);
  }

  /** Creates it if it is missing; an existing one keeps its rows. */
  create(job: string): void {
    this.#use(this.#path(job), (database) => {
      for (const table of schema) database.exec(table);
    });
  }

  has(job: string): boolean {
    return existsSync(this.#path(job));
  }

  remove(job: string): void {
    for (const end of ["", "-journal"]) rmSync(`${this.#path(job)}${end}`, { force: true });
  }

  /** The file itself, between two changes; null when there is none. */
  bytes(job: string): Uint8Array | null {
    return this.has(job) ? readFileSync(this.#path(job)) : null;
  }

  insertJob(job: string, { row }: Of<"INSERTJOB">): void {
    this.#change(job, (database) => insert(database, "job", row));
  }

  insertBlock(job: string, { block, phase, slices, state }: Of<"INSERTBLOCK">): void {
    this.#change(job, (database) => {
      insert(database, "block", [block, state, phase, "", ""]);
      for (const slice of slices) insert(database, "slices_url", [slice, block]);
    });
  }

  blockResult(job: string, { block, urls }: Of<"BLOCKRESULT">): void {
    this.#change(job, (database) => {
      for (const url of urls) {
        insert(database, "result_url", [url]);
        insert(database, "block_result", [block, url]);
      }
    });
  }

  updateRow(job: string, { key, table, values }: Of<"UPDATEROW">): void {
    if (values.length === 0) return;
    const set = values.map(([column]) => `${column} = ?`).join(", ");
    const sql = `UPDATE ${table} SET ${set} WHERE ${key[0]} = ?`;
    this.#change(job, (database) => {
      database.prepare(sql).run(...values.map(([, value]) => value), key[1]);
    });
  }

  /** In the order in which they were inserted. */
  rows(job: string, { filters, table }: Of<"GETROWS">): Row[] {
    const where = filters.map(([column]) => `${column} = ?`).join(" AND ");
    const sql = `SELECT * FROM ${table}${where === "" ? "" : ` WHERE ${where}`} ORDER BY rowid`;
    return this.#open(job, (database) => {
      const found = database.prepare(sql).all(...filters.map(([, value]) => value));
      return found.map((row) => ({ ...row }) as Row);
    });
  }

  #change(job: string, work: (database: DatabaseSync) => void): void {
    this.#open(job, (database) => {
      database.exec("BEGIN IMMEDIATE");
      try {
        work(database);
        database.exec("COMMIT");
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #open<T>(job: string, work: (database: DatabaseSync) => T): T {
    const path = this.#path(job);
    if (existsSync(path)) return this.#use(path, work);
    throw new ClusterError("not-found", "unable to open database file");
  }

  #use<T>(path: string, work: (database: DatabaseSync) => T): T {
    let database: DatabaseSync | null = null;
    try {
      database = new DatabaseSync(path, { timeout: 5_000 });
      database.exec("PRAGMA synchronous = FULL");
      return work(database);
    } catch (error) {
      throw storageFailure(error, "the database of a job");
    } finally {
      database?.close();
    }
  }

  #path(job: string): string {
    const name = createHash("sha256").update(job).digest("hex");
    return join(this.#dir, `${name}.sqlite3`);
  }
}

/** An existing row of the same key stays as it is: calls are repeated. */
function insert(database: DatabaseSync, table: TableName, values: readonly string[]): void {
  const places = values.map(() => "?").join(", ");
  database.prepare(`INSERT OR IGNORE INTO ${table} VALUES (${places})`).run(...values);
}
