/** Outputs of other workers whose directories lie beside this one's, as those of one `up` do: they
 *  are read where they are, as this worker's own.
 *
 *  Nobody says where: it is looked for, by its name, and is the one that is meant when its manifest
 *  has the root which the coordinator committed. Directories that others can write to do not
 *  count, and a partition is verified while it is read. */
import { createHash } from "node:crypto";
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AttemptRef, Hash } from "../../core/ids.ts";
import { decodeManifest, type Manifest } from "../../wire/block/manifest.ts";

export type NearOutput = { readonly runPath: string; readonly manifest: Manifest };

/** Workers that are looked for in directories; outputs of others are fetched. */
const workersMax = 1_024;

export class NearOutputs {
  readonly #dir: string;
  /** By the address of a worker: the directory of its outputs, null when it is not near. */
  readonly #dirs = new Map<string, string | null>();

  /** `dir`: of this worker's own outputs. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Null when it is not near, or not as it should be: then it is fetched. */
  async find(url: string, ref: AttemptRef, root: Hash): Promise<NearOutput | null> {
    const known = this.#dirs.get(url);
    if (known !== undefined) return known === null ? null : outputIn(known, ref, root);
    for (const dir of await this.#siblings()) {
      const found = await outputIn(dir, ref, root);
      if (found === null) continue;
      this.#remember(url, dir);
      return found;
    }
    this.#remember(url, null);
    return null;
  }

  #remember(url: string, dir: string | null): void {
    if (this.#dirs.size >= workersMax) this.#dirs.clear();
    this.#dirs.set(url, dir);
  }

  async #siblings(): Promise<string[]> {
    const own = dirname(this.#dir);
    const names = await readdir(dirname(own)).catch(() => []);
    const dirs: string[] = [];
    for (const name of names.slice(0, workersMax)) {
      const dir = join(dirname(own), name, basename(this.#dir));
      if (name !== basename(own) && (await isOurs(dir))) dirs.push(dir);
    }
    return dirs;
  }
}

/** Nobody but this user can have put anything there, or can put another directory in its place. */
async function isOurs(dir: string): Promise<boolean> {
  const [own, above] = await Promise.all([ownMode(dir), ownMode(dirname(dir))]);
  return own !== null && above !== null && !(own & 0o077) && !(above & 0o022);
}

/** Null for what is no directory of this user; links are none. */
async function ownMode(path: string): Promise<number | null> {
  const found = await lstat(path).catch(() => null);
  const isOwn = found?.isDirectory() === true && found.uid === process.getuid?.();
  return isOwn ? found.mode : null;
}

async function outputIn(dir: string, ref: AttemptRef, root: Hash): Promise<NearOutput | null> {
  const path = join(dir, ref.job, String(ref.stage), `${ref.task}.${ref.attempt}`);
  try {
    const bytes = await readFile(`${path}.manifest`);
    if (createHash("sha256").update(bytes).digest("hex") !== root) return null;
    const manifest = decodeManifest(bytes);
    const { size } = await stat(`${path}.run`);
    return size === manifest.sizeBytes ? { runPath: `${path}.run`, manifest } : null;
  } catch {
    return null;
  }
}
