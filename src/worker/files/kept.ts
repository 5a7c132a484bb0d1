/** Blobs of jobs that were open here lately, so that the same code, plan or items need not come
 *  again. Second names (hard links) of verified files; per owner, since job code sees its files. */
import { createHash } from "node:crypto";
import { linkSync } from "node:fs";
import { link, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Files kept; the one that was used longest ago goes first. */
const filesMax = 64;

export class KeptBlobs {
  readonly #dir: string;
  /** Name in the directory, in the order of use. */
  readonly #names = new Set<string>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Removes what a former life left. */
  async sweep(): Promise<void> {
    await rm(this.#dir, { recursive: true, force: true });
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    this.#names.clear();
  }

  /** Gives the blob a name at `path`. False when it is not kept. At once, since a task waits, and a
   *  link takes less than handing it to another thread. */
  restore(owner: string, hash: string, path: string): boolean {
    const name = nameOf(owner, hash);
    if (!this.#names.delete(name)) return false;
    try {
      linkSync(join(this.#dir, name), path);
    } catch (error) {
      // There already is what the caller wants; anything else means that it must be fetched.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
    }
    this.#names.add(name);
    return true;
  }

  /** Remembers a verified file. Never fails: it only saves time. */
  async keep(owner: string, hash: string, path: string): Promise<void> {
    const name = nameOf(owner, hash);
    if (this.#names.has(name)) return;
    try {
      await link(path, join(this.#dir, name));
      this.#names.add(name);
    } catch {
      return;
    }
    for (const oldest of this.#names) {
      if (this.#names.size <= filesMax) break;
      this.#names.delete(oldest);
      await rm(join(this.#dir, oldest), { force: true }).catch(() => {});
    }
  }
}

function nameOf(owner: string, hash: string): string {
  const who = createHash("sha256").update(owner).digest("hex").slice(0, 16);
  return `${who}-${hash}`;
}
