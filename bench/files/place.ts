/** Where the files of a benchmark lie: in memory where the system has a place for it, since the
 *  disk is not what is measured. */
import { randomFillSync } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";

const memory = join("/", "dev", "shm");

export type BigDirectory = {
  readonly path: string;
  readonly kind: "memory" | "a temporary directory";
  remove(): void;
};

export function bigDirectory(): BigDirectory {
  const isThere = existsSync(memory);
  const path = newFolder("tequio-bench-", isThere ? memory : tmpdir());
  return {
    path,
    kind: isThere ? "memory" : "a temporary directory",
    remove: () => removeFolder(path),
  };
}

const chunkBytes = 16 << 20;

export function noiseFile(dir: string, sizeBytes: number, name = "content.bin"): string {
  const path = join(dir, name);
  const file = openSync(path, "w");
  const chunk = Buffer.alloc(chunkBytes);
  for (let at = 0; at < sizeBytes; at += chunkBytes) {
    randomFillSync(chunk);
    writeSync(file, chunk, 0, Math.min(chunkBytes, sizeBytes - at));
  }
  closeSync(file);
  return path;
}

export function sameContent(a: string, b: string): boolean {
  const [left, right] = [openSync(a, "r"), openSync(b, "r")];
  const [mine, other] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  try {
    for (;;) {
      const count = readSync(left, mine);
      if (readSync(right, other) !== count) return false;
      if (count === 0) return true;
      if (!mine.subarray(0, count).equals(other.subarray(0, count))) return false;
    }
  } finally {
    closeSync(left);
    closeSync(right);
  }
}
