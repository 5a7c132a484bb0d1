/** Whether a folder of results is a sort of an input, in one pass over each: keys never fall, and
 *  the sums over all records are the same. */
import { createReadStream, readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { keyBytes, recordBytes } from "./records.ts";

const chunkBytes = recordBytes * 10_000;

/** The sum does not depend on the order of the records. */
type Sum = { records: number; sum: number; isInOrder: boolean };

export async function isSortOf(directory: string, input: string): Promise<boolean> {
  const parts = readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
  const [ours, theirs] = [await sumOf(parts), await sumOf([input])];
  return ours.isInOrder && ours.records === theirs.records && ours.sum === theirs.sum;
}

async function sumOf(files: readonly string[]): Promise<Sum> {
  const total: Sum = { records: 0, sum: 0, isInOrder: true };
  let last: Buffer = Buffer.alloc(0);
  for (const file of files) {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of createReadStream(file, { highWaterMark: chunkBytes })) {
      const bytes = Buffer.concat([rest, chunk as Buffer]);
      let at = 0;
      for (; at + recordBytes <= bytes.length; at += recordBytes) {
        const key = bytes.subarray(at, at + keyBytes);
        if (last.compare(key) > 0) total.isInOrder = false;
        last = key;
        total.records += 1;
        total.sum = (total.sum + crc32(bytes.subarray(at, at + recordBytes))) % 2 ** 52;
      }
      rest = bytes.subarray(at);
    }
    if (rest.length > 0) throw new Error(`${file} ends within a record`);
  }
  return total;
}
