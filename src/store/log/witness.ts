/** The witness: position and hash of the last durable record, in a small file beside the database.
 *
 *  SQLite silently drops the end of a damaged WAL, and acknowledged records with it. The witness is
 *  written after each commit, in place and without fsync: it may lag after a power loss, it is
 *  never ahead. A log that ends before its witness has lost records. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { ClusterError } from "../../core/error.ts";
import { isFull, systemCode } from "../failure.ts";
import { hashBytes, sameHash, sealOf } from "./chain.ts";
import { createPrivate } from "./lock.ts";

export type Testimony = { readonly position: number; readonly hash: Uint8Array };

const positionBytes = 8;
/** One disk sector holds it whole, so that a reader gets the old or the new one, never a
 *  mixture. */
const fileBytes = positionBytes + hashBytes + hashBytes;

/** Null when there is none, as after a restore of the database alone. */
export function readWitness(path: string): Testimony | null {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  }
  if (file.byteLength === 0) return null;
  const position = file.subarray(0, positionBytes);
  const hash = file.subarray(positionBytes, positionBytes + hashBytes);
  const seal = file.subarray(positionBytes + hashBytes);
  if (!sameHash(seal, sealOf([position, hash]))) {
    const what = `${path} is damaged, and with it the proof that the log is complete`;
    const way = "or delete this file if you know that nothing is missing";
    const text = `${what}: restore the directory from a backup, ${way}`;
    throw new ClusterError("storage-failed", text);
  }
  return { position: Number(position.readBigUInt64LE()), hash };
}

export class Witness {
  readonly #descriptor: number;
  readonly #file = Buffer.alloc(fileBytes);

  constructor(path: string) {
    createPrivate(path);
    this.#descriptor = openSync(path, "r+");
  }

  /** On failure, for example without room (some file systems copy on write), it only lags. */
  write(position: number, hash: Uint8Array): void {
    this.#file.writeBigUInt64LE(BigInt(position), 0);
    this.#file.set(hash, positionBytes);
    const seal = sealOf([
      this.#file.subarray(0, positionBytes),
      this.#file.subarray(positionBytes, positionBytes + hashBytes),
    ]);
    this.#file.set(seal, positionBytes + hashBytes);
    try {
      writeSync(this.#descriptor, this.#file, 0, fileBytes, 0);
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }

  sync(): void {
    fsyncSync(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
