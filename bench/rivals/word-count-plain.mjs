/** The rival: what a Node user writes without any framework. One thread, readline, a Map.
 *
 *  Usage: `node word-count-plain.mjs <input> <output>`. */
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

const [input, output] = process.argv.slice(2);
const separators = /[^\p{L}\p{N}']+/u;
const counts = new Map();
for await (const line of createInterface({ input: createReadStream(input) })) {
  for (const word of line.toLowerCase().split(separators)) {
    if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
  }
}
const out = createWriteStream(output);
for (const word of [...counts.keys()].sort()) out.write(`${word}\t${counts.get(word)}\n`);
out.end();
