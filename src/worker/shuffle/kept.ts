/** Blobs of the jobs that are open here, and of some that were lately, so that the same code, plan
 *  or items need not come again. Per owner, since job code sees its files.
 *
 *  1. A file is whole and verified before it has its name, and never changes.
 *  2. It stays as long as a job holds it; of the others the one that was used longest ago goes
 *     first. */
import { createHash } from "node:crypto";
import { renameSync } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** Files kept, those that are held aside. */
const filesMax = 64;

/** What shorter files say is kept in memory too. */
const shortBytes = 16 * 1024;

type Kept = { held: number; file: KeptFile | null };

export type KeptFile = {
  readonly path: string;
  /** Null when it is long. */
  readonly text: string | null;
};

export class KeptBlobs {
  readonly #dir: string;
  /** By path, in the order of use. */
  readonly #files = new Map<string, Kept>();
  /** Makes names that no other has. */
  #serial = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Removes what a former life left. */
  async sweep(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    this.#files.clear();
  }

  /** The file with the blob, which must be released once; `fetch` brings it, verified, when it is
   *  not here. Fails as `fetch` does, and then nothing is held. */
  async hold(
    blob: { readonly owner: string; readonly hash: string },
    fetch: (path: string) => Promise<void>,
  ): Promise<KeptFile> {
    const path = join(this.#dir, nameOf(blob.owner, blob.hash));
    const kept = this.#files.get(path) ?? { held: 0, file: null };
    this.#files.delete(path);
    this.#files.set(path, kept);
    kept.held += 1;
    try {
      kept.file ??= await this.#bring(path, fetch);
      return kept.file;
    } catch (error) {
      this.release(path);
      throw error;
    }
  }

  /** The file is damaged: the next job that wants it has it fetched again. */
  spoil(path: string): void {
    const kept = this.#files.get(path);
    if (kept !== undefined) kept.file = null;
  }

  release(path: string): void {
    const kept = this.#files.get(path);
    if (kept === undefined) return;
    kept.held -= 1;
    if (kept.held === 0 && kept.file === null) this.#files.delete(path);
    this.#evict();
  }

  /** Several jobs may bring the same at once: the last one's file stays, with the same bytes. */
  async #bring(path: string, fetch: (path: string) => Promise<void>): Promise<KeptFile> {
    const part = this.#unique(path);
    await fetch(part);
    const { size } = await stat(part);
    const text = size <= shortBytes ? await readFile(part, "utf8") : null;
    await rename(part, path);
    return { path, text };
  }

  #evict(): void {
    if (this.#files.size <= filesMax) return;
    for (const [path, { held }] of this.#files) {
      if (this.#files.size <= filesMax) return;
      if (held > 0) continue;
      this.#files.delete(path);
      const gone = this.#unique(path);
      try {
        // At once, so that it cannot be taken for one that is being brought again.
        renameSync(path, gone);
      } catch {
        continue;
      }
      // What cannot be removed now is swept at the next start.
      rm(gone, { force: true }).catch(() => {});
    }
  }

  #unique(path: string): string {
    this.#serial += 1;
    return `${path}.${this.#serial}`;
  }
}

function nameOf(owner: string, hash: string): string {
  const who = createHash("sha256").update(owner).digest("hex").slice(0, 16);
  return `${who}-${hash}`;
}
