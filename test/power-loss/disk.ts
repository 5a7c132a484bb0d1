/** A disk on which a trace is replayed, and that can lose its power after any operation: only what
 *  was synced is certain. Each of the rest is there, is missing, or is there in part,
 *  independently.
 *
 *  Stricter than file systems with a journal: names that were not synced are lost one by one, and
 *  syncing a file secures its bytes, not its name. */
import type { Random } from "../../src/core/random.ts";
import { type Deed, directoryOf } from "./trace.ts";

type Change = Extract<Deed, { kind: "write" | "truncate" }> & { readonly number: number };
type Naming = Extract<Deed, { kind: "create" | "link" | "rename" | "unlink" | "mkdir" }> & {
  readonly number: number;
};

type File = { bytes: Buffer; changes: Change[] };

/** Contents by path; null = a directory. */
export type Image = ReadonlyMap<string, Buffer | null>;

/** How much of what was not synced a power loss leaves; torn = parts of this size. */
export type Loss =
  | { readonly kind: "everything" | "nothing" | "some" }
  | { readonly kind: "torn"; readonly sectorBytes: number };

export const losses: readonly Loss[] = [
  { kind: "everything" },
  { kind: "nothing" },
  { kind: "some" },
  { kind: "torn", sectorBytes: 512 },
  { kind: "torn", sectorBytes: 4_096 },
];

/** Inode 0 is a directory. */
const directory = 0;

export class Disk {
  readonly #files = new Map<number, File>();
  /** Names that are synced. */
  #names = new Map<string, number>([[".", directory]]);
  #namings: Naming[] = [];
  #number = 0;

  play(deed: Deed): void {
    const number = this.#number;
    this.#number += 1;
    if (deed.kind === "write" || deed.kind === "truncate") {
      this.#file(deed.inode).changes.push({ ...deed, number });
    } else if (deed.kind === "sync") {
      this.#sync(this.#file(deed.inode), deed.from);
    } else if (deed.kind === "sync-directory") {
      this.#syncDirectory(deed.path, deed.from);
    } else if (deed.kind !== "said") {
      this.#namings.push({ ...deed, number });
    }
  }

  image(loss: Loss, random: Random): Image {
    const names = new Map(this.#names);
    for (const naming of this.#namings) if (isLeft(loss, random)) rename(names, naming);
    const contents = new Map<number, Buffer>();
    const image = new Map<string, Buffer | null>();
    for (const [path, inode] of names) {
      if (!isReachable(path, names)) continue;
      if (inode !== directory && !contents.has(inode)) {
        contents.set(inode, contentOf(this.#file(inode), loss, random));
      }
      image.set(path, contents.get(inode) ?? null);
    }
    return image;
  }

  #file(inode: number): File {
    let file = this.#files.get(inode);
    if (file === undefined) {
      file = { bytes: Buffer.alloc(0), changes: [] };
      this.#files.set(inode, file);
    }
    return file;
  }

  #sync(file: File, from: number): void {
    for (const change of file.changes) {
      if (change.number < from) file.bytes = changed(file.bytes, change, null);
    }
    file.changes = file.changes.filter(({ number }) => number >= from);
  }

  #syncDirectory(path: string, from: number): void {
    const isSure = (naming: Naming) => naming.number < from && touches(naming, path);
    for (const naming of this.#namings) if (isSure(naming)) rename(this.#names, naming);
    this.#namings = this.#namings.filter((naming) => !isSure(naming));
  }
}

function touches(naming: Naming, path: string): boolean {
  if ("to" in naming && directoryOf(naming.to) === path) return true;
  return "path" in naming && directoryOf(naming.path) === path;
}

function rename(names: Map<string, number>, naming: Naming): void {
  if (naming.kind === "mkdir") names.set(naming.path, directory);
  else if (naming.kind === "create") names.set(naming.path, naming.inode);
  else if (naming.kind === "unlink") names.delete(naming.path);
  else {
    if (naming.kind === "rename" && names.get(naming.path) === naming.inode) {
      names.delete(naming.path);
    }
    names.set(naming.to, naming.inode);
  }
}

function isReachable(path: string, names: ReadonlyMap<string, number>): boolean {
  for (let above = path; above !== "."; ) {
    above = directoryOf(above);
    if (names.get(above) !== directory) return false;
  }
  return true;
}

function isLeft(loss: Loss, random: Random): boolean {
  if (loss.kind === "everything") return false;
  return loss.kind === "nothing" || random.chance(0.5);
}

function contentOf({ bytes, changes }: File, loss: Loss, random: Random): Buffer {
  let left = bytes;
  for (const change of changes) {
    if (loss.kind === "torn" && change.kind === "write") {
      const { sectorBytes } = loss;
      left = changed(left, change, { sectorBytes, keeps: () => random.chance(0.5) });
    } else if (isLeft(loss, random)) {
      left = changed(left, change, null);
    }
  }
  return left;
}

type Tearing = { readonly sectorBytes: number; readonly keeps: () => boolean };

/** The bytes after a change, of a write perhaps only some sectors. */
function changed(bytes: Buffer, change: Change, tearing: Tearing | null): Buffer {
  if (change.kind === "truncate") {
    if (change.sizeBytes <= bytes.length) return bytes.subarray(0, change.sizeBytes);
    return Buffer.concat([bytes, Buffer.alloc(change.sizeBytes - bytes.length)]);
  }
  const { at, bytes: written } = change;
  const end = at + written.length;
  const sectorBytes = tearing?.sectorBytes ?? Math.max(1, end);
  let after = Buffer.from(bytes);
  for (let start = at; start < end; ) {
    const stop = Math.min(end, (Math.floor(start / sectorBytes) + 1) * sectorBytes);
    if (tearing === null || tearing.keeps()) {
      if (after.length < stop) after = Buffer.concat([after, Buffer.alloc(stop - after.length)]);
      written.copy(after, start, start - at, stop - at);
    }
    start = stop;
  }
  return after;
}
