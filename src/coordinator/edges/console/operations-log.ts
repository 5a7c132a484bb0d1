/** The log of the operations of console users: NDJSON in the data directory, bounded.
 *
 *  1. A line is on the disk before its operation is answered; lines that arrive together are synced
 *     together.
 *  2. On a full disk lines of this log are lost, operations are not. */
import { readFileSync, statSync } from "node:fs";
import { appendFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { syncDirectory } from "../../../store/directory.ts";
import type { Operation, Outcome } from "../../../wire/console/messages.ts";

export type LoggedOperation = {
  /** ISO 8601, the coordinator's clock. */
  readonly at: string;
  /** Null when it could not be read. */
  readonly operation: Operation | null;
  readonly user: string;
  /** Of PUBLISH and DELETE, else "". */
  readonly file: string;
  /** As the client sent it; "" when it sent none. */
  readonly dateTime: string;
  /** Host of the connection. */
  readonly host: string;
  readonly outcome: Outcome;
};

export type OperationsLogLimits = {
  /** The file is set aside above this size, and the one set aside before it is deleted. */
  readonly fileMaxBytes: number;
  /** Bytes that wait for the disk; lines beyond it are dropped. */
  readonly waitingMaxBytes: number;
};

export const defaultOperationsLogLimits: OperationsLogLimits = {
  fileMaxBytes: 8 * 1024 * 1024,
  waitingMaxBytes: 1024 * 1024,
};

const fileName = "operations.ndjson";

/** Newest last; within the data directory. */
function paths(dataDir: string): { readonly older: string; readonly newer: string } {
  const newer = join(dataDir, "logs", fileName);
  return { older: `${newer}.1`, newer };
}

export class OperationsLog {
  readonly #paths: ReturnType<typeof paths>;
  readonly #limits: OperationsLogLimits;
  #sizeBytes: number;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** Resolves when the waiting lines are on the disk. */
  #next: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(dataDir: string, limits: OperationsLogLimits = defaultOperationsLogLimits) {
    this.#paths = paths(dataDir);
    this.#limits = limits;
    this.#sizeBytes = statSync(this.#paths.newer, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Resolves when the line is on the disk, or dropped. */
  add(operation: LoggedOperation): Promise<void> {
    const line = `${JSON.stringify(operation)}\n`;
    const sizeBytes = Buffer.byteLength(line);
    if (this.#waitingBytes + sizeBytes > this.#limits.waitingMaxBytes) return Promise.resolve();
    this.#waiting.push(line);
    this.#waitingBytes += sizeBytes;
    this.#next ??= this.#writing = this.#writing.then(() => this.#write());
    return this.#next;
  }

  /** Resolves when no line waits for the disk. */
  async close(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    const lines = this.#waiting.splice(0).join("");
    const sizeBytes = Buffer.byteLength(lines);
    this.#next = null;
    const { newer, older } = this.#paths;
    try {
      if (this.#sizeBytes > 0 && this.#sizeBytes + sizeBytes > this.#limits.fileMaxBytes) {
        await rename(newer, older);
        this.#sizeBytes = 0;
      }
      await appendFile(newer, lines, { mode: 0o600, flush: true });
      if (this.#sizeBytes === 0) await syncDirectory(dirname(newer));
      this.#sizeBytes += sizeBytes;
    } catch {
      // See law 2.
    } finally {
      this.#waitingBytes -= sizeBytes;
    }
  }
}

/** All kept lines, oldest first. A line that was cut by a crash is left out. */
export function readOperations(dataDir: string): LoggedOperation[] {
  const { older, newer } = paths(dataDir);
  return [older, newer].flatMap((path) => {
    if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line) => {
      try {
        return [JSON.parse(line) as LoggedOperation];
      } catch {
        return [];
      }
    });
  });
}
