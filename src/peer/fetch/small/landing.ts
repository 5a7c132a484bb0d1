/** Puts many small verified files into a folder: one journal and one sync for all of them instead
 *  of a journal and three syncs for each.
 *
 *  1. A file gets its name when it is whole and verified, and an existing one is not overwritten.
 *  2. Until `finish` has synced them, a power loss may leave a name with other bytes: the journal
 *     says beforehand which names that may be, so that the next run replaces them instead of
 *     taking them for the user's own. A kill alone leaves nothing of that kind. */
import { execFile } from "node:child_process";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { ClusterError } from "../../../core/error.ts";
import type { Hash } from "../../../core/ids.ts";
import { syncDirectoryNow } from "../../../store/directory.ts";
import { systemCode } from "../../../store/failure.ts";
import type { FileAttributes } from "../../../wire/p4/data.ts";
import { sha256Hex } from "../../hashing/sha256.ts";
import { setModified } from "../attributes.ts";
import { downloadFailure } from "../full-disk.ts";

export type LandingFile = {
  readonly target: string;
  readonly root: Hash;
  readonly content: Uint8Array;
  readonly attributes: FileAttributes;
  readonly replaces: boolean;
};

/** What the journal says of a name: the time that the file is given. */
type Announced = { readonly path: string; readonly root: Hash; readonly modifiedUs: number };

/** Up to this many files are synced one by one: cheaper than all that the file system holds. */
const fewFiles = 64;
/** Longest time for syncing a whole file system, ms. */
const syncMs = 600_000;
const run = promisify(execFile);

export class Landing {
  readonly #dir: string;
  readonly #journal: string;
  readonly #part: string;
  readonly #before: ReadonlyMap<string, Announced>;
  /** To be synced. */
  readonly #written = new Set<string>();
  #descriptor: number | null = null;

  /** `dir` exists and is locked. */
  constructor(dir: string) {
    this.#dir = resolve(dir);
    const name = `.tequio-${sha256Hex("small files").slice(0, 24)}`;
    this.#journal = join(this.#dir, `${name}.journal`);
    this.#part = join(this.#dir, `${name}.part`);
    this.#before = new Map(readJournal(this.#journal).map((one) => [one.path, one]));
    rmSync(this.#part, { force: true });
  }

  /** True when an earlier run gave this file its name, and a power loss may have taken its content:
   *  it has the time that was set then, so nothing has written to it since. */
  isOwn(target: string, stats: Stats): boolean {
    if (this.#before.size === 0) return false;
    const known = this.#before.get(relative(this.#dir, resolve(target)));
    if (known === undefined || !stats.isFile()) return false;
    return Math.abs(stats.mtimeMs * 1000 - known.modifiedUs) < 2_000;
  }

  /** Names these files, or returns why not, in their order: `conflict` when a name is taken. Throws
   *  `storage-full` and what else concerns all of them. */
  land(files: readonly LandingFile[]): Array<ClusterError | null> {
    const nowUs = Date.now() * 1000;
    const dated = files.map((file) => {
      const { attributes } = file;
      const modifiedUs = attributes.modifiedUs || nowUs;
      return { ...file, attributes: { ...attributes, modifiedUs } };
    });
    this.#announce(dated);
    return dated.map((file) => {
      try {
        this.#write(file);
        return null;
      } catch (error) {
        rmSync(this.#part, { force: true });
        if (systemCode(error) === "EEXIST") {
          const text = `${file.target} has appeared meanwhile; use --overwrite`;
          return new ClusterError("conflict", text);
        }
        const failure = downloadFailure(error, file.target, false);
        if (failure.code === "storage-full") throw failure;
        return failure;
      }
    });
  }

  /** Makes all of them durable, and forgets the journal. */
  async finish(): Promise<void> {
    if (this.#descriptor === null && this.#before.size === 0) return;
    this.close();
    try {
      const before = [...this.#before.keys()].map((path) => join(this.#dir, path));
      const files = new Set([...before, ...this.#written]);
      const isSynced = files.size > fewFiles && (await syncFileSystem(this.#dir));
      if (!isSynced) syncEach(this.#dir, files);
      rmSync(this.#journal, { force: true });
    } catch (error) {
      throw downloadFailure(error, this.#dir, false);
    }
  }

  /** Leaves the journal for the next run. */
  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  #announce(files: readonly LandingFile[]): void {
    const lines = files.map(({ target, root, attributes: { modifiedUs } }) => {
      const path = relative(this.#dir, resolve(target));
      return `${JSON.stringify({ path, root, modifiedUs } satisfies Announced)}\n`;
    });
    try {
      // The end of an earlier run may be torn.
      if (this.#descriptor === null) lines.unshift("\n");
      this.#descriptor ??= openSync(this.#journal, "a", 0o600);
      writeWhole(this.#descriptor, Buffer.from(lines.join("")));
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      throw downloadFailure(error, this.#dir, false);
    }
  }

  #write({ attributes, content, replaces, target }: LandingFile): void {
    const mode = attributes.isExecutable ? 0o777 : 0o666;
    const descriptor = openSync(this.#part, "wx", mode);
    try {
      writeWhole(descriptor, content);
      setModified(descriptor, attributes.modifiedUs);
    } finally {
      closeSync(descriptor);
    }
    this.#written.add(target);
    if (replaces) renameSync(this.#part, target);
    else giveFreeName(this.#part, target);
  }
}

/** Fails with EEXIST when the name is taken, even if it was taken a moment ago. */
function giveFreeName(part: string, target: string): void {
  try {
    linkSync(part, target);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    // File systems without hard links.
    if (existsSync(target)) throw Object.assign(new Error("it exists"), { code: "EEXIST" });
    renameSync(part, target);
    return;
  }
  unlinkSync(part);
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

/** Whole lines alone; a missing or foreign journal has none. */
function readJournal(path: string): Announced[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    try {
      const value: Partial<Announced> | null = line === "" ? null : JSON.parse(line);
      const isWhole = typeof value?.path === "string" && typeof value.modifiedUs === "number";
      return isWhole ? [value as Announced] : [];
    } catch {
      return [];
    }
  });
}

/** Asks the system's own `sync`, since Node has no call for it; false where there is none. */
async function syncFileSystem(dir: string): Promise<boolean> {
  if (process.platform !== "linux") return false;
  try {
    await run("sync", ["-f", dir], { timeout: syncMs });
    return true;
  } catch {
    return false;
  }
}

function syncEach(dir: string, files: Iterable<string>): void {
  const folders = new Set([dir]);
  for (const file of files) {
    let descriptor: number;
    try {
      descriptor = openSync(file, "r+");
    } catch (error) {
      // Announced before a kill, and never written; or read-only, and there before.
      if (["ENOENT", "ENOTDIR", "EACCES"].includes(systemCode(error))) continue;
      throw error;
    }
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    for (let at = dirname(resolve(file)); at.length > dir.length; at = dirname(at)) folders.add(at);
  }
  for (const folder of folders) syncDirectoryNow(folder);
}
