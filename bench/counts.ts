/** Results of word counts, ours and those of others, as words with their counts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Counts = ReadonlyMap<string, number>;

/** Of a folder of result files; throws when a word is in two of them. */
export function oursCounts(directory: string): Counts {
  const counts = new Map<string, number>();
  for (const file of readdirSync(directory)) {
    for (const line of readFileSync(join(directory, file), "utf8").split("\n")) {
      if (line === "") continue;
      const { key, value } = JSON.parse(line) as { key: string; value: number };
      if (counts.has(key)) throw new Error(`the word ${key} is in two partitions`);
      counts.set(key, value);
    }
  }
  return counts;
}

/** Of a file with a word, a blank or tab, and its count in each line. */
export function plainCounts(file: string): Counts {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [word, count] = line.split(/[\t ]/);
      return [word!, Number(count)];
    }),
  );
}

export function sameCounts(a: Counts, b: Counts): boolean {
  return a.size === b.size && [...a].every(([word, count]) => b.get(word) === count);
}
