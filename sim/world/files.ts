/** The disk of one machine: named files, in memory. The production code for a worker's map outputs
 *  runs on it. */
import type { ByteRange } from "../../src/worker/shuffle/byte-range.ts";
import type { Content, DiskEntry, ShuffleDisk } from "../../src/worker/shuffle/disk.ts";
import { flipBit, hashOf, rootOf } from "./sealed.ts";

/** A file may have several names. */
type File = { readonly id: string; readonly bytes: Uint8Array };

export class SimFiles implements ShuffleDisk {
  readonly #files = new Map<string, File>();
  /** By path: the names in it. */
  readonly #folders = new Map<string, Set<string>>();
  #made = 0;

  /** Replaces what had this name. */
  put(path: string, bytes: Uint8Array): void {
    this.#made += 1;
    this.#set(path, { id: String(this.#made), bytes });
  }

  bytesOf(path: string): Uint8Array | null {
    return this.#files.get(path)?.bytes ?? null;
  }

  /** Null when the range is not complete. */
  readRange({ offset, path, sizeBytes }: Omit<ByteRange, "sha256">): Uint8Array | null {
    if (sizeBytes === 0) return new Uint8Array();
    const bytes = this.#files.get(path)?.bytes.subarray(offset, offset + sizeBytes);
    return bytes?.length === sizeBytes ? bytes : null;
  }

  /** Removes everything below a folder. */
  drop(folder: string): void {
    for (const name of this.namesIn(folder)) this.drop(`${folder}/${name}`);
    this.#files.delete(folder);
    this.#folders.delete(folder);
    this.#leave(folder);
  }

  namesIn(folder: string): string[] {
    return [...(this.#folders.get(folder) ?? [])];
  }

  /** Flips a bit in one of the map outputs below a folder. False when there are none. */
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
    // Only manifests are read as a whole.
    return { bytes: file.bytes, sha256: rootOf(file.bytes) };
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
    this.#leave(from);
    this.#set(to, file);
  }

  async remove(path: string): Promise<void> {
    this.drop(path);
  }

  async makeFolder(path: string): Promise<void> {
    this.#folder(path);
  }

  async names(folder: string): Promise<string[]> {
    return this.namesIn(folder);
  }

  #set(path: string, file: File): void {
    this.#files.set(path, file);
    this.#enter(path);
  }

  /** The names in a folder, which is created with its parents when it is missing. */
  #folder(path: string): Set<string> {
    const known = this.#folders.get(path);
    if (known !== undefined) return known;
    const names = new Set<string>();
    this.#folders.set(path, names);
    this.#enter(path);
    return names;
  }

  #enter(path: string): void {
    const at = path.lastIndexOf("/");
    if (at >= 0) this.#folder(path.slice(0, at)).add(path.slice(at + 1));
  }

  #leave(path: string): void {
    const at = path.lastIndexOf("/");
    this.#folders.get(path.slice(0, at))?.delete(path.slice(at + 1));
  }
}
