/** Text whose words follow Zipf's law: the usual input of a word count, of any size, from one
 *  seed. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { type Random, seeded } from "../scripts/corpus/random.ts";

const vocabularySize = 200_000;
const chunkBytes = 4 << 20;
/** Words a line, at least and at most. */
const lineWordsMin = 6;
const lineWordsMax = 18;
const seed = 20_240_601;

/** File with at least `sizeBytes` of text (the line that reaches it is finished); made once. */
export function zipfFile(sizeBytes: number): string {
  const cache = join(import.meta.dirname, ".cache");
  const path = join(cache, `zipf-${sizeBytes}.txt`);
  if (existsSync(path) && statSync(path).size >= sizeBytes) return path;
  mkdirSync(cache, { recursive: true });
  const staging = `${path}.${process.pid}.tmp`;
  try {
    writeText(staging, sizeBytes);
    renameSync(staging, path);
  } finally {
    rmSync(staging, { force: true });
  }
  return path;
}

function writeText(path: string, sizeBytes: number): void {
  const random = seeded(seed);
  const { bytes, offsets } = vocabulary(random);
  const draw = sampler();
  const chunk = new Uint8Array(chunkBytes);
  const file = openSync(path, "wx");
  let written = 0;
  let at = 0;
  while (written + at < sizeBytes) {
    const words = lineWordsMin + Math.floor(random.next() * (lineWordsMax - lineWordsMin + 1));
    for (let count = 0; count < words; count++) {
      const word = draw(random);
      for (let from = offsets[word]!; from < offsets[word + 1]!; from++) chunk[at++] = bytes[from]!;
      chunk[at++] = 0x20;
    }
    chunk[at - 1] = 0x0a;
    if (at < chunkBytes - 4096) continue;
    written += writeSync(file, chunk, 0, at);
    at = 0;
  }
  writeSync(file, chunk, 0, at);
  closeSync(file);
}

/** Words by rank as UTF-8, one after the other: short ones first, every tenth with an accent. */
function vocabulary(random: Random): { bytes: Uint8Array; offsets: Uint32Array } {
  const consonants = "bcdfghjklmnpqrstvwxyz";
  const vowels = "aeiou";
  const accents = "áéíóúñüçã";
  const seen = new Set<string>();
  while (seen.size < vocabularySize) {
    const syllables = 1 + Math.floor(Math.log(seen.size + 3) / 4 + random.next() * 1.7);
    let word = "";
    for (let index = 0; index < syllables; index++) {
      word += pick(consonants, random) + pick(vowels, random);
      if (random.next() < 0.3) word += pick(consonants, random);
    }
    if (random.next() < 0.1) word += pick(accents, random);
    seen.add(word);
  }
  const encoded = [...seen].map((word) => Buffer.from(word));
  const offsets = new Uint32Array(encoded.length + 1);
  for (const [index, word] of encoded.entries()) offsets[index + 1] = offsets[index]! + word.length;
  return { bytes: Buffer.concat(encoded), offsets };
}

function pick(letters: string, random: Random): string {
  return letters[Math.floor(random.next() * letters.length)]!;
}

/** Draws a rank by the alias method: two numbers a draw, whatever the size of the vocabulary. */
function sampler(): (random: Random) => number {
  const count = vocabularySize;
  const weights = Float64Array.from({ length: count }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scaled = weights.map((weight) => (weight * count) / total);
  const chance = new Float64Array(count).fill(1);
  const alias = Uint32Array.from({ length: count }, (_, index) => index);
  const small: number[] = [];
  const large: number[] = [];
  for (const [index, weight] of scaled.entries()) (weight < 1 ? small : large).push(index);
  while (small.length > 0 && large.length > 0) {
    const less = small.pop()!;
    const more = large.at(-1)!;
    chance[less] = scaled[less]!;
    alias[less] = more;
    scaled[more] = scaled[more]! + scaled[less]! - 1;
    if (scaled[more]! < 1) small.push(large.pop()!);
  }
  return (random) => {
    const index = Math.floor(random.next() * count);
    return random.next() < chance[index]! ? index : alias[index]!;
  };
}

if (import.meta.main) {
  const megabytes = Number(process.argv[2] ?? 1024);
  process.stdout.write(`${zipfFile(megabytes * 1024 * 1024)}\n`);
}
