/** Whether two programs have given the same answer: rows in any order, by a sum of their hashes, so
 *  that millions need no memory. */
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { crc32 } from "node:zlib";

export type Answer = { readonly rows: number; readonly hash: number };

/** Keys and values of NDJSON, whatever the columns are called; numbers up to their fourth
 *  decimal: sums of doubles have rounding errors. */
export async function answerOf(path: string): Promise<Answer> {
  let [rows, hash] = [0, 0];
  for await (const line of linesOf(path)) {
    const values = Object.values(JSON.parse(line) as object).flat();
    const text = values.map((value) => (typeof value === "number" ? rounded(value) : value));
    hash = (hash + crc32(JSON.stringify(text))) % 2 ** 48;
    rows++;
  }
  return { rows, hash };
}

/** The numbers of a sorted column of CSV, in their order. */
export async function sortedAnswerOf(path: string, column: number): Promise<Answer> {
  let [rows, hash] = [0, 0];
  for await (const line of linesOf(path)) {
    const number = Number(line.split(",")[column]);
    if (Number.isNaN(number)) continue;
    hash = crc32(rounded(number), hash);
    rows++;
  }
  return { rows, hash };
}

function rounded(value: number): string {
  return (Math.round(value * 1e4) / 1e4).toFixed(4);
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const isFolder = statSync(path).isDirectory();
  const files = isFolder
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : [path];
  for (const file of files) yield* createInterface({ input: createReadStream(file) });
}
