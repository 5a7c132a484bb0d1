/** Piece hashes of files that were shared before: a restart hashes only what has changed. Losing it
 *  is harmless: everything is hashed again. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { hashBytes, pieceCountOf } from "../../wire/p4/merkle.ts";
import { rootHex } from "../hashing/sha256.ts";
import type { HashedFile } from "../serve/file-content.ts";
import { isFresh, type Stamp } from "../serve/stamp.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS hashed (
    path TEXT PRIMARY KEY, stamp TEXT NOT NULL, root TEXT NOT NULL, layer BLOB NOT NULL,
    hashed_at_ms INTEGER NOT NULL, used_at_ms INTEGER NOT NULL
  ) STRICT`;
/** Files that were not shared for this long are removed from the cache, ms. */
const keptMs = 90 * 24 * 3_600_000;

export class HashCache {
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #put: StatementSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 5_000 });
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    this.#database.exec(schema);
    this.#database.prepare("DELETE FROM hashed WHERE used_at_ms < ?").run(Date.now() - keptMs);
    this.#find = this.#database.prepare(
      "UPDATE hashed SET used_at_ms = ? WHERE path = ? AND stamp = ? RETURNING *",
    );
    this.#put = this.#database.prepare("INSERT OR REPLACE INTO hashed VALUES (?, ?, ?, ?, ?, ?)");
  }

  /** Null when it was never hashed, or not as it is now. */
  find(path: string, stamp: Stamp): HashedFile | null {
    const row = this.#find.get(Date.now(), path, stampText(stamp));
    if (row === undefined) return null;
    const layer = row.layer as Uint8Array;
    const root = row.root as string;
    const isWhole =
      layer.length === pieceCountOf(stamp.sizeBytes) * hashBytes &&
      rootHex(stamp.sizeBytes, layer) === root;
    if (!isWhole) return null;
    return { path, stamp, root, layer, hashedAtMs: row.hashed_at_ms as number };
  }

  /** A file that was modified a moment before it was hashed is not cached: a change in that moment
   *  would not show. */
  put({ path, stamp, root, layer, hashedAtMs }: HashedFile): void {
    if (isFresh(stamp, hashedAtMs)) return;
    this.#put.run(path, stampText(stamp), root, layer, hashedAtMs, Date.now());
  }

  close(): void {
    this.#database.close();
  }
}

function stampText({ sizeBytes, mtimeNs, ctimeNs, inode }: Stamp): string {
  return `${sizeBytes} ${mtimeNs} ${ctimeNs} ${inode}`;
}
