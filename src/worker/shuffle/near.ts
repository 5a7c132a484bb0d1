/** Outputs of other workers whose directories lie beside this one's, as those of one `up` do: they
 *  are read where they are, as this worker's own.
 *
 *  No message says where: it is looked for, by its name, and is the one that is meant when its
 *  manifest has the root which the coordinator committed. Directories that others can write to do
 *  not count, and a partition is verified while it is read. */
import type { AttemptRef, Hash } from "../../core/ids.ts";
import { decodeManifest, type Manifest, manifestMaxBytes } from "../../wire/block/manifest.ts";
import type { ShuffleDisk } from "./disk.ts";
import { outputPath } from "./outputs.ts";

export type NearOutput = { readonly runPath: string; readonly manifest: Manifest };

/** Workers that are looked for in directories; outputs of others are fetched. */
const workersMax = 1_024;

export class NearOutputs {
  readonly #dir: string;
  readonly #disk: ShuffleDisk;
  /** By the address of a worker: the directory of its outputs, null when it is not near. */
  readonly #dirs = new Map<string, string | null>();
  /** By the same: a search that is under way, so that the tasks of one worker wait for one. */
  readonly #searches = new Map<string, Promise<unknown>>();

  /** `dir`: of this worker's own outputs. */
  constructor(dir: string, disk: ShuffleDisk) {
    this.#dir = dir;
    this.#disk = disk;
  }

  /** Null when it is not near, or not as it should be: then it is fetched. */
  async find(url: string, ref: AttemptRef, root: Hash): Promise<NearOutput | null> {
    const underWay = this.#searches.get(url);
    if (underWay !== undefined) await underWay;
    const known = this.#dirs.get(url);
    if (known !== undefined) return known === null ? null : this.#outputIn(known, ref, root);
    const search = this.#search(url, ref, root).finally(() => this.#searches.delete(url));
    this.#searches.set(url, search);
    return search;
  }

  async #search(url: string, ref: AttemptRef, root: Hash): Promise<NearOutput | null> {
    for (const dir of await this.#siblings()) {
      // Most do not have it, and nothing is read where others could have put it.
      const isHere = (await this.#disk.entry(`${outputPath(dir, ref)}.manifest`)) !== null;
      const found = isHere && (await this.#isOurs(dir)) && (await this.#outputIn(dir, ref, root));
      if (!found) continue;
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

  /** Those that are known to be of other workers come last: a worker that was started again has
   *  another address. */
  async #siblings(): Promise<string[]> {
    const [own, folder] = split(this.#dir);
    const [above, self] = split(own);
    const names = (await this.#disk.names(above)).slice(0, workersMax);
    const dirs = names.filter((name) => name !== self).map((name) => `${above}/${name}/${folder}`);
    const known = new Set(this.#dirs.values());
    return dirs.sort((a, b) => Number(known.has(a)) - Number(known.has(b)));
  }

  /** No other user can have put anything there, or can put another directory in its place. */
  async #isOurs(dir: string): Promise<boolean> {
    const [above] = split(dir);
    const [own, parent] = await Promise.all([this.#disk.entry(dir), this.#disk.entry(above)]);
    if (own?.kind !== "folder" || parent?.kind !== "folder") return false;
    return own.isPrivate && parent.isOwn;
  }

  async #outputIn(dir: string, ref: AttemptRef, root: Hash): Promise<NearOutput | null> {
    const path = outputPath(dir, ref);
    try {
      const { bytes, sha256 } = await this.#disk.read(`${path}.manifest`, manifestMaxBytes);
      if (sha256 !== root) return null;
      const manifest = decodeManifest(bytes);
      const run = await this.#disk.entry(`${path}.run`);
      const isWhole = run?.kind === "file" && run.sizeBytes === manifest.sizeBytes;
      return isWhole ? { runPath: `${path}.run`, manifest } : null;
    } catch {
      return null;
    }
  }
}

/** The folder above, and the name in it. */
function split(path: string): readonly [above: string, name: string] {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return [path.slice(0, at), path.slice(at + 1)];
}
