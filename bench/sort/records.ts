/** Records of 100 bytes for sorting: a key of 10 printable bytes, a number, filling, a newline. The
 *  same from one seed, so that they are lines too. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { seeded } from "../../scripts/corpus/random.ts";

export const recordBytes = 100;
export const keyBytes = 10;
const chunkRecords = 40_000;
const seed = 20_261_121;

/** File with as many whole records as `sizeBytes` hold; made once. */
export function recordsFile(sizeBytes: number): string {
  const cache = join(import.meta.dirname, "../.cache");
  const path = join(cache, `records-${sizeBytes}.txt`);
  const count = Math.floor(sizeBytes / recordBytes);
  if (existsSync(path) && statSync(path).size === count * recordBytes) return path;
  mkdirSync(cache, { recursive: true });
  const staging = `${path}.${process.pid}.tmp`;
  const file = openSync(staging, "w");
  const random = seeded(seed);
  const chunk = Buffer.alloc(chunkRecords * recordBytes, ".");
  for (let made = 0; made < count; ) {
    const records = Math.min(chunkRecords, count - made);
    for (let i = 0; i < records; i++) {
      const at = i * recordBytes;
      for (let k = 0; k < keyBytes; k++) chunk[at + k] = 32 + Math.floor(random.next() * 95);
      chunk[at + keyBytes] = 32;
      chunk.write(String(made + i).padStart(12, "0"), at + keyBytes + 1, "latin1");
      chunk[at + recordBytes - 1] = 10;
    }
    writeSync(file, chunk, 0, records * recordBytes);
    made += records;
  }
  closeSync(file);
  renameSync(staging, path);
  return path;
}
