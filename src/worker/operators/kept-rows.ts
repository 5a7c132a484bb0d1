/** Rows that are read again and again: in memory, and once they are many, on the disk. */
import { closeSync, openSync, readSync } from "node:fs";
import { Arena } from "../../wire/block/arena.ts";
import { readValue, writeValue } from "../../wire/block/value.ts";
import { diskFailure, FileSink } from "../kernels/run-file.ts";

/** Rows as they are encoded, in bytes, that stay in memory. */
const memoryMaxBytes = 8 * 1024 * 1024;
const readBytes = 256 * 1024;
const lengthBytes = 4;

export class KeptRows {
  count = 0;
  readonly #path: string;
  readonly #memoryBytes: number;
  /** Each row: its length and its bytes. */
  readonly #rows = new Arena(1024);
  #file: FileSink | null = null;

  constructor(path: string, memoryBytes = memoryMaxBytes) {
    this.#path = path;
    this.#memoryBytes = memoryBytes;
  }

  add(row: unknown): void {
    const rows = this.#rows;
    const start = rows.length;
    rows.reserve(lengthBytes);
    rows.length += lengthBytes;
    writeValue(rows, row, "join");
    const length = rows.length - start - lengthBytes;
    new DataView(rows.bytes.buffer, rows.bytes.byteOffset).setUint32(start, length, true);
    this.count++;
    if (rows.length < this.#memoryBytes) return;
    this.#file ??= new FileSink(this.#path);
    this.#file.write(rows.view());
    rows.length = 0;
  }

  /** In the order in which they came. None may be added while they are read. */
  *rows(): Generator<unknown, void> {
    if (this.#file !== null) yield* this.#stored(this.#file);
    const { bytes, length } = this.#rows;
    yield* rowsIn(bytes, length);
  }

  clear(): void {
    this.#file?.discard();
    this.#file = null;
    this.#rows.length = 0;
    this.count = 0;
  }

  /** Leaves no file. */
  discard(): void {
    this.clear();
  }

  *#stored(file: FileSink): Generator<unknown, void> {
    file.flush();
    const fd = openSync(this.#path, "r");
    let bytes = Buffer.allocUnsafe(readBytes);
    let filled = 0;
    try {
      for (let at = 0; at < file.sizeBytes; ) {
        if (filled === bytes.length) bytes = Buffer.concat([bytes], 2 * bytes.length);
        const count = readSync(fd, bytes, filled, bytes.length - filled, at);
        at += count;
        filled += count;
        const used = yield* rowsIn(bytes, filled);
        bytes.copyWithin(0, used, filled);
        filled -= used;
      }
    } catch (error) {
      throw (error as NodeJS.ErrnoException).errno === undefined
        ? error
        : diskFailure(error, this.#path);
    } finally {
      closeSync(fd);
    }
  }
}

/** The whole rows in `bytes` [0, end); answers the bytes that they take. */
function* rowsIn(bytes: Uint8Array, end: number): Generator<unknown, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (end - at >= lengthBytes) {
    const next = at + lengthBytes + view.getUint32(at, true);
    if (next > end) break;
    yield readValue(bytes, at + lengthBytes, next);
    at = next;
  }
  return at;
}
