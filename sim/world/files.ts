/** The disk of one machine: files with names, in memory. What a worker does with its map outputs
 *  runs on it as in production. */
import type { ByteRange } from "../../src/worker/shuffle/byte-range.ts";
import type { Content, DiskEntry, ShuffleDisk } from "../../src/worker/shuffle/disk.ts";
import { flipBit, hashOf, rootOf } from "./sealed.ts";

/** A file has as many names as were given to it. */
type File = { readonly id: string; readonly bytes: Uint8Array };

export class SimFiles implements ShuffleDisk {
  readonly #files = new Map<string, File>();
  readonly #folders = new Set<string>();
  /** By folder: the names in it, so that looking into one of a large disk is cheap. */
  readonly #names = new Map<string, Set<string>>();
  #made = 0;

  /** In place of what had this name. */
  put(path: string, bytes: Uint8Array): void {
    this.#made += 1;
    this.#set(path, { id: String(this.#made), bytes });
  }

  bytesOf(path: string): Uint8Array | null {
    return this.#files.get(path)?.bytes ?? null;
  }

  /** Null when they are not all there. */
  readRange({ offset, path, sizeBytes }: Omit<ByteRange, "sha256">): Uint8Array | null {
    if (sizeBytes === 0) return new Uint8Array();
    const bytes = this.#files.get(path)?.bytes.subarray(offset, offset + sizeBytes);
    return bytes?.length === sizeBytes ? bytes : null;
  }

  /** Everything below a folder is gone. */
  drop(folder: string): void {
    for (const name of this.namesIn(folder)) this.drop(`${folder}/${name}`);
    this.#files.delete(folder);
    this.#folders.delete(folder);
    this.#forget(folder);
  }

  namesIn(folder: string): string[] {
    return [...(this.#names.get(folder) ?? [])];
  }

  /** A bit flips in one of the map outputs below a folder. False when there are none. */
  flip(folder: string, draw: number): boolean {
    const files = [...this.#files].filter(([path, { bytes }]) => {
      return path.startsWith(`${folder}/`) && path.endsWith(".run") && bytes.length > 0;
    });
    const file = files[Math.floor(draw * files.length)];
    if (file === undefined) return false;
    flipBit(file[1].bytes, (draw * files.length) % 1);
    return true;
  }

  async read(path: string): Promise<Content> {
    const file = this.#files.get(path);
    if (file === undefined) throw new Error(`there is no ${path}`);
    const { bytes } = file;
    return { bytes, sha256: path.endsWith(".manifest") ? rootOf(bytes) : hashOf(bytes) };
  }

  async entry(path: string): Promise<DiskEntry | null> {
    const own = { isPrivate: true, isOwn: true };
    const file = this.#files.get(path);
    if (file !== undefined) {
      return { kind: "file", sizeBytes: file.bytes.length, id: file.id, ...own };
    }
    const isFolder = this.#folders.has(path);
    return isFolder ? { kind: "folder", sizeBytes: 0, id: path, ...own } : null;
  }

  async isUnchanged(range: ByteRange): Promise<boolean> {
    const bytes = this.readRange(range);
    return bytes !== null && (range.sizeBytes === 0 || hashOf(bytes) === range.sha256);
  }

  async link(path: string, second: string): Promise<"made" | "taken" | "refused"> {
    const file = this.#files.get(path);
    if (file === undefined) return "refused";
    if (this.#files.has(second)) return "taken";
    this.#set(second, file);
    return "made";
  }

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from);
    if (file === undefined) throw new Error(`there is no ${from}`);
    this.#files.delete(from);
    this.#forget(from);
    this.#set(to, file);
  }

  async remove(path: string): Promise<void> {
    this.drop(path);
  }

  async makeFolder(path: string): Promise<void> {
    for (let at = path.length; at > 0; at = path.lastIndexOf("/", at - 1)) {
      this.#folders.add(path.slice(0, at));
    }
    this.#note(path);
  }

  async names(folder: string): Promise<string[]> {
    return this.namesIn(folder);
  }

  #set(path: string, file: File): void {
    this.#files.set(path, file);
    this.#note(path);
  }

  /** The folders above know the name. */
  #note(path: string): void {
    for (let at = path.lastIndexOf("/"), end = path.length; at >= 0; ) {
      const folder = path.slice(0, at);
      const name = path.slice(at + 1, end);
      const names = this.#names.get(folder);
      if (names?.has(name) === true) return;
      if (names === undefined) this.#names.set(folder, new Set([name]));
      else names.add(name);
      end = at;
      at = path.lastIndexOf("/", at - 1);
      if (end === 0) return;
    }
  }

  /** The folders above no longer know what is gone, nor folders that were there for it alone. */
  #forget(path: string): void {
    const isThere = this.#files.has(path) || this.#folders.has(path) || this.#names.has(path);
    const at = path.lastIndexOf("/");
    if (isThere || at < 0) return;
    const folder = path.slice(0, at);
    const names = this.#names.get(folder);
    if (names?.delete(path.slice(at + 1)) !== true || names.size > 0) return;
    this.#names.delete(folder);
    this.#forget(folder);
  }
}
