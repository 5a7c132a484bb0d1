/** `node:fs` in a tab, as far as kernels use it: files of one task, in memory, gone with its
 *  Worker. */

type Bytes = Uint8Array;

/** Files that are written grow by as much. */
const growBytes = 1024 * 1024;
/** Bytes that all files together may have; `limitFiles` sets it. */
let filesMaxBytes = 512 * 1024 * 1024;
let heldBytes = 0;
let used = () => {};

class FileTrouble extends Error {
  readonly code: string;

  constructor(code: string, path: string) {
    super(`${code}: ${path}`);
    this.code = code;
  }
}

/** All parts but the last have `partBytes`. */
class MemoryFile {
  parts: Bytes[] = [];
  sizeBytes = 0;
  partBytes = growBytes;

  append(bytes: Bytes, path: string): void {
    for (let at = 0; at < bytes.length; ) {
      const within = this.sizeBytes % this.partBytes;
      if (within === 0) this.#grow(path);
      const taken = bytes.subarray(at, at + this.partBytes - within);
      (this.parts.at(-1) as Bytes).set(taken, within);
      this.sizeBytes += taken.length;
      at += taken.length;
    }
  }

  #grow(path: string): void {
    if (heldBytes + this.partBytes > filesMaxBytes) throw new FileTrouble("ENOSPC", path);
    heldBytes += this.partBytes;
    this.parts.push(new Uint8Array(this.partBytes));
  }

  readAt(into: Bytes, at: number, position: number): number {
    const part = this.parts[Math.floor(position / this.partBytes)];
    if (part === undefined || position >= this.sizeBytes) return 0;
    const from = position % this.partBytes;
    const left = Math.min(into.length - at, this.sizeBytes - position);
    const taken = part.subarray(from, Math.min(part.length, from + left));
    into.set(taken, at);
    return taken.length;
  }

  forget(): void {
    for (const part of this.parts) heldBytes -= part.length;
    this.parts = [];
    this.sizeBytes = 0;
  }
}

const files = new Map<string, MemoryFile>();
const open = new Map<number, { readonly path: string; readonly file: MemoryFile }>();
let lastFd = 2;

function openFile(fd: number): { readonly path: string; readonly file: MemoryFile } {
  const found = open.get(fd);
  if (found === undefined) throw new FileTrouble("EBADF", String(fd));
  return found;
}

export function openSync(path: string, flags: "r" | "w", _mode?: number): number {
  if (flags === "w") {
    files.get(path)?.forget();
    files.set(path, new MemoryFile());
  }
  const file = files.get(path);
  if (file === undefined) throw new FileTrouble("ENOENT", path);
  open.set(++lastFd, { path, file });
  return lastFd;
}

export function closeSync(fd: number): void {
  openFile(fd);
  open.delete(fd);
}

export function readSync(
  ...[fd, into, at, length, position]: [number, Bytes, number, number, number]
): number {
  used();
  return openFile(fd).file.readAt(into.subarray(0, at + length), at, position);
}

/** Appends: no caller writes at any other position. */
export function writeSync(fd: number, bytes: Bytes, at = 0): number {
  used();
  const { file, path } = openFile(fd);
  file.append(at === 0 ? bytes : bytes.subarray(at), path);
  return bytes.length - at;
}

export function writeFileSync(path: string, bytes: Bytes, _options?: object): void {
  const fd = openSync(path, "w");
  writeSync(fd, bytes);
  closeSync(fd);
}

export function readFileSync(path: string): Bytes {
  const fd = openSync(path, "r");
  const bytes = new Uint8Array(openFile(fd).file.sizeBytes);
  for (let at = 0; at < bytes.length; ) at += readSync(fd, bytes, at, bytes.length - at, at);
  closeSync(fd);
  return bytes;
}

export function rmSync(path: string, _options?: object): void {
  files.get(path)?.forget();
  files.delete(path);
}

/** From here on: not of Node. */
export function limitFiles(maxBytes: number): void {
  filesMaxBytes = maxBytes;
}

/** `listener` is called for each block that is read or written. */
export function whenUsed(listener: () => void): void {
  used = listener;
}

/** What of the limit is used. */
export function filesBytes(): number {
  return heldBytes;
}

/** Another task begins: nothing is left of the one before. */
export function clearFiles(): void {
  files.clear();
  open.clear();
  heldBytes = 0;
}

/** A file of bytes that are there already; they are not copied. */
export function giveFile(path: string, bytes: Bytes): void {
  const file = new MemoryFile();
  if (bytes.length > 0) file.parts = [bytes];
  file.partBytes = Math.max(1, bytes.length);
  file.sizeBytes = bytes.length;
  heldBytes += bytes.length;
  files.set(path, file);
}

/** The bytes of a file, which is gone then; null when there is none. */
export function takeFile(path: string): Bytes[] | null {
  const file = files.get(path);
  if (file === undefined) return null;
  const { parts, partBytes, sizeBytes } = file;
  files.delete(path);
  const last = parts.pop();
  for (const part of parts) heldBytes -= part.length;
  if (last === undefined) return [];
  heldBytes -= last.length;
  return [...parts, last.slice(0, sizeBytes - parts.length * partBytes)];
}
