/** Which pieces of a partial download are durable, so that a killed one can continue with them once
 *  they are hashed again: a head that names the content, then runs of pieces, each with its own
 *  checksum.
 *
 *  A run is only written after the bytes that it names have been synced. A torn end is ignored. */
import {
  closeSync,
  fdatasync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import type { Hash } from "../../core/ids.ts";
import { hit } from "../../store/failpoint.ts";
import type { PieceRun } from "../../wire/p4/data.ts";

export type Subject = {
  readonly root: Hash;
  readonly sizeBytes: number;
  /** `device:inode` of the partial file, to notice another file under the same name. */
  readonly inode: string;
};

const recordBytes = 12;
const sync = promisify(fdatasync);

export class Journal {
  readonly #descriptor: number;
  readonly #seed: number;

  private constructor(descriptor: number, seed: number) {
    this.#descriptor = descriptor;
    this.#seed = seed;
  }

  /** The runs that an earlier process noted for exactly this content and file. */
  static read(path: string, subject: Subject): PieceRun[] {
    let bytes: Buffer;
    try {
      bytes = readFileSync(path);
    } catch {
      return [];
    }
    const head = headOf(subject);
    if (!bytes.subarray(0, head.length).equals(head)) return [];
    const seed = crc32(head);
    const runs: PieceRun[] = [];
    for (let at = head.length; at + recordBytes <= bytes.length; at += recordBytes) {
      if (crc32(bytes.subarray(at, at + 8), seed) !== bytes.readUInt32BE(at + 8)) break;
      runs.push({ first: bytes.readUInt32BE(at), count: bytes.readUInt32BE(at + 4) });
    }
    return runs;
  }

  /** Starts a new journal with the known runs, as few as possible. The old one stays until this one
   *  is durable: on a full disk no run is lost, and no temporary file is left. */
  static async create(path: string, subject: Subject, runs: readonly PieceRun[]): Promise<Journal> {
    const temporary = `${path}.new`;
    const descriptor = openSync(temporary, "w", 0o600);
    try {
      const head = headOf(subject);
      const journal = new Journal(descriptor, crc32(head));
      writeWhole(descriptor, head);
      await journal.append(runs);
      renameSync(temporary, path);
      return journal;
    } catch (error) {
      closeSync(descriptor);
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Durable when it resolves. */
  async append(runs: readonly PieceRun[]): Promise<void> {
    const bytes = Buffer.alloc(runs.length * recordBytes);
    runs.forEach(({ first, count }, index) => {
      const at = index * recordBytes;
      bytes.writeUInt32BE(first, at);
      bytes.writeUInt32BE(count, at + 4);
      bytes.writeUInt32BE(crc32(bytes.subarray(at, at + 8), this.#seed), at + 8);
    });
    hit("download.journal", "before");
    writeWhole(this.#descriptor, bytes);
    await sync(this.#descriptor);
    hit("download.journal", "after");
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function writeWhole(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function headOf({ root, sizeBytes, inode }: Subject): Buffer {
  return Buffer.from(`tequio download 1\n${root}\n${sizeBytes}\n${inode}\n`);
}
