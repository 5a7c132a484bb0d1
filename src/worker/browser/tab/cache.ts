/** Large inputs on the device's own storage (the origin private file system), so that the next job
 *  on the same files, also after a reload, does not fetch them again.
 *
 *  1. It holds at most `maxBytes`; what was used longest ago goes first.
 *  2. What it gives is what was put there: each entry has its digest, and one that has changed is
 *     dropped. It never rejects: where there is no storage, or it is full, nothing is kept.
 *  3. Tabs of one origin share the files; each counts what it has seen. */
import { turn } from "../../../environment/turn.ts";
import type { InputFile } from "../../../wire/block/plan.ts";
import { hexOf } from "../../../wire/hex.ts";
import type { Digested } from "./digested.ts";

const folderName = "inputs";
/** Smaller ones are fetched faster than they are found. */
const leastBytes = 64 * 1024;
const digestBytes = 32;
/** Read or written at a time: between them the controller answers others. */
const stepBytes = 8 * 1024 * 1024;

/** What is used here of the file system; some compilers know no more of it. */
type Kept = Pick<Blob, "size" | "slice"> & {
  readonly name: string;
  readonly lastModified: number;
};
type Opened = {
  getSize(): number;
  read(into: Uint8Array, place: { at: number }): number;
  write(bytes: Uint8Array, place: { at: number }): number;
  truncate(sizeBytes: number): void;
  close(): void;
};
type FileHandle = {
  readonly kind: string;
  getFile(): Promise<Kept>;
  createSyncAccessHandle(options?: { mode: "read-only" }): Promise<Opened>;
};
export type Folder = {
  getDirectoryHandle(name: string, options: { create: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { create: boolean }): Promise<FileHandle>;
  removeEntry(name: string): Promise<void>;
  values(): AsyncIterable<Pick<FileHandle, "kind" | "getFile">>;
};
type Stored = { readonly storage: { getDirectory(): Promise<Folder> } };

export class InputCache {
  readonly #folder: Folder;
  /** By name, oldest use first. */
  readonly #sizes = new Map<string, number>();
  #maxBytes: number;
  #usedBytes = 0;
  /** Writes come one after the other: several at once would hold as many inputs in memory. */
  #last: Promise<void> = Promise.resolve();

  private constructor(folder: Folder, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Null where the browser has no such storage, as on plain http. */
  static async open(maxBytes: number): Promise<InputCache | null> {
    try {
      const root = await (navigator as unknown as Stored).storage.getDirectory();
      const folder = await root.getDirectoryHandle(folderName, { create: true });
      return await InputCache.of(folder, maxBytes);
    } catch {
      return null;
    }
  }

  static async of(folder: Folder, maxBytes: number): Promise<InputCache> {
    const cache = new InputCache(folder, maxBytes);
    const found: Kept[] = [];
    for await (const entry of folder.values()) {
      if (entry.kind === "file") found.push(await entry.getFile());
    }
    found.sort((a, b) => a.lastModified - b.lastModified);
    for (const { name, size } of found) cache.#count(name, size);
    await cache.limit(maxBytes);
    return cache;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** From now on; 0 = nothing, and what is there goes. */
  async limit(maxBytes: number): Promise<void> {
    this.#maxBytes = maxBytes;
    await this.#shrink(0);
  }

  /** Bytes [start, end) of what has this `contentName`. */
  async get(content: string, start: number, end: number): Promise<Uint8Array | null> {
    const name = nameOf(content, start, end);
    const size = this.#sizes.get(name);
    if (size === undefined) return null;
    try {
      const { bytes, digest } = await contentOf(await this.#folder.getFileHandle(name));
      const isWhole = bytes.length === end - start;
      if (isWhole && hexOf(digest) === hexOf(await digestOf(bytes))) {
        this.#sizes.delete(name);
        this.#sizes.set(name, size);
        return bytes;
      }
    } catch {
      // Another tab has removed it.
    }
    await this.#drop(name);
    return null;
  }

  /** Keeps a copy, in the background: the caller may hand the bytes over at once. With the digest
   *  that they came with: who reads them compares it. */
  put(content: string, start: number, { bytes, digest }: Digested): Promise<void> {
    const name = nameOf(content, start, start + bytes.length);
    const size = bytes.length + digestBytes;
    if (bytes.length < leastBytes || size > this.#maxBytes || this.#sizes.has(name)) {
      return Promise.resolve();
    }
    const copy = bytes.slice();
    this.#last = this.#last.then(() => this.#write(name, copy, digest));
    return this.#last;
  }

  async #write(
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    known: Uint8Array<ArrayBuffer> | null,
  ): Promise<void> {
    const size = bytes.length + digestBytes;
    if (size > this.#maxBytes) return;
    await this.#shrink(size);
    try {
      const digest = known ?? (await digestOf(bytes));
      await write(await this.#folder.getFileHandle(name, { create: true }), digest, bytes);
      this.#count(name, size);
      // The limit may be another one by now.
      await this.#shrink(0);
    } catch {
      await this.#drop(name);
    }
  }

  #count(name: string, size: number): void {
    this.#usedBytes += size - (this.#sizes.get(name) ?? 0);
    this.#sizes.set(name, size);
  }

  /** Until there is room for so much more. */
  async #shrink(moreBytes: number): Promise<void> {
    for (const name of [...this.#sizes.keys()]) {
      if (this.#usedBytes + moreBytes <= this.#maxBytes) return;
      await this.#drop(name);
    }
  }

  async #drop(name: string): Promise<void> {
    this.#usedBytes -= this.#sizes.get(name) ?? 0;
    this.#sizes.delete(name);
    await this.#folder.removeEntry(name).catch(() => {});
  }
}

/** What a plan says of a file's content, as hex: its hash, or its place with its size and the time
 *  of its last change, by which workers know that it is the same, too. `owner`: of the job; what
 *  the coordinator gives to one owner's job may not be for another's. */
export async function contentName({ at, sizeBytes }: InputFile, owner: string): Promise<string> {
  const known = at.kind === "shared" ? { root: at.root } : at;
  const text = JSON.stringify([owner, known, sizeBytes]);
  return hexOf(await digestOf(new TextEncoder().encode(text)));
}

function nameOf(content: string, start: number, end: number): string {
  return `${content}-${start}-${end}`;
}

type Content = {
  readonly digest: Uint8Array<ArrayBuffer>;
  /** In a buffer of its own, which can be handed over. */
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** By way of a handle the bytes come from the file itself; as a `Blob` the browser's main process
 *  reads them and sends them here, which takes several times as long. */
async function contentOf(handle: FileHandle): Promise<Content> {
  let opened: Opened;
  try {
    opened = await handle.createSyncAccessHandle({ mode: "read-only" });
  } catch {
    // Another tab has it open, in a browser that lets only one read it.
    const file = await handle.getFile();
    const parts = [file.slice(0, digestBytes), file.slice(digestBytes)];
    const [digest, bytes] = await Promise.all(parts.map(bytesOf));
    return { digest, bytes } as Content;
  }
  try {
    const digest = new Uint8Array(digestBytes);
    const bytes = new Uint8Array(Math.max(0, opened.getSize() - digestBytes));
    opened.read(digest, { at: 0 });
    for (let at = 0; at < bytes.length; ) {
      const count = opened.read(bytes.subarray(at, at + stepBytes), { at: digestBytes + at });
      if (count === 0) break;
      at += count;
      await turn();
    }
    return { digest, bytes };
  } finally {
    opened.close();
  }
}

async function write(handle: FileHandle, digest: Uint8Array, bytes: Uint8Array): Promise<void> {
  const opened = await handle.createSyncAccessHandle();
  try {
    opened.truncate(0);
    opened.write(digest, { at: 0 });
    for (let at = 0; at < bytes.length; ) {
      at += opened.write(bytes.subarray(at, at + stepBytes), { at: digestBytes + at });
      await turn();
    }
  } finally {
    opened.close();
  }
}

async function bytesOf(part: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await part.arrayBuffer());
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
