/** The items of a `tasks` job: a file with one JSON text a line, read where it is needed. */
import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { crc32 } from "node:zlib";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { damaged } from "../../wire/block/arena.ts";
import type { ShortFile } from "./messages.ts";

/** The start of every so many lines is remembered. */
const blockLines = 64;
const chunkBytes = 256 * 1024;
/** Longest block of lines that is read at once. */
const blockMaxBytes = 256 * 1024 * 1024;

export type Items = {
  /** The item, parsed anew on each call. */
  item(index: number): unknown;
  close(): void;
};

export function openItems(items: ShortFile): Items {
  return "text" in items ? itemsOf(items.text) : new ItemsFile(items.path, items.hash);
}

function itemsOf(text: string): Items {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return {
    item(index) {
      const line = lines[index];
      if (line === undefined) throw noItem(index, lines.length);
      return JSON.parse(line);
    },
    close() {},
  };
}

function noItem(index: number, count: number): ClusterError {
  return new ClusterError("data-lost", `item ${index} of a list of ${count}`);
}

class ItemsFile implements Items {
  readonly #fd: number;
  /** Offsets of lines 0, 64, 128, …, and of the end. */
  readonly #starts: number[] = [0];
  /** CRC-32 of the lines between two of them, as they were when the whole was verified. */
  readonly #sums: number[] = [];
  readonly #count: number;
  #block = -1;
  #lines: readonly string[] = [];

  constructor(path: string, hash: Hash) {
    this.#fd = openSync(path, "r");
    this.#count = this.#scan(hash);
  }

  item(index: number): unknown {
    const block = Math.floor(index / blockLines);
    if (index >= this.#count) throw noItem(index, this.#count);
    if (block !== this.#block) this.#read(block);
    return JSON.parse(this.#lines[index % blockLines] as string);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #scan(hash: Hash): number {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const digest = createHash("sha256");
    let sum = 0;
    let lines = 0;
    let offset = 0;
    let open = false;
    for (;;) {
      const count = readSync(this.#fd, chunk, 0, chunkBytes, offset);
      if (count === 0) break;
      const read = chunk.subarray(0, count);
      digest.update(read);
      let summed = 0;
      for (let at = read.indexOf(10); at !== -1; at = read.indexOf(10, at + 1)) {
        lines++;
        if (lines % blockLines !== 0) continue;
        this.#starts.push(offset + at + 1);
        this.#sums.push(crc32(read.subarray(summed, at + 1), sum));
        [summed, sum] = [at + 1, 0];
      }
      sum = crc32(read.subarray(summed), sum);
      open = read[count - 1] !== 10;
      offset += count;
    }
    if (digest.digest("hex") !== hash) throw damaged("the list of items is not what was fetched");
    if (open) lines++;
    if (this.#starts.at(-1) !== offset) {
      this.#starts.push(offset);
      this.#sums.push(sum);
    }
    return lines;
  }

  #read(block: number): void {
    const start = this.#starts[block] as number;
    const sizeBytes = (this.#starts[block + 1] as number) - start;
    if (sizeBytes > blockMaxBytes) {
      throw new ClusterError(
        "limit-exceeded",
        `${blockLines} items take ${sizeBytes} bytes, of at most ${blockMaxBytes}; ` +
          "put large items in files",
      );
    }
    const bytes = Buffer.allocUnsafe(sizeBytes);
    for (let filled = 0; filled < sizeBytes; ) {
      const count = readSync(this.#fd, bytes, filled, sizeBytes - filled, start + filled);
      if (count === 0) throw new ClusterError("data-lost", "the list of items has become shorter");
      filled += count;
    }
    if (crc32(bytes) !== this.#sums[block]) throw damaged("items have changed since the start");
    this.#lines = bytes.toString("utf8").split("\n");
    this.#block = block;
  }
}
