/** Tables of sales as CSV and NDJSON, and a log of requests, of any size, from one seed. */
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
import { type Random, seeded } from "../../scripts/corpus/random.ts";

export type TableKind = "csv" | "ndjson" | "log";

const chunkCharacters = 4 << 20;
const seed = 20_261_129;
const citiesMax = 5000;
const productsMax = 200_000;
const prefixes = ["San ", "Santa ", "", "Villa ", "Puerto "];
const cities = Array.from({ length: citiesMax }, (_, i) => {
  const accent = i % 40 === 0 ? "é" : "";
  return `${prefixes[i % prefixes.length]}City${((i * 7919) % citiesMax).toString(36)}${accent}`;
});

/** File with at least `sizeBytes` (the row that reaches it is finished); made once. */
export function tableFile(kind: TableKind, sizeBytes: number): string {
  const cache = join(import.meta.dirname, "../.cache");
  const path = join(cache, `table-${sizeBytes}.${kind}`);
  if (existsSync(path) && statSync(path).size >= sizeBytes) return path;
  mkdirSync(cache, { recursive: true });
  const staging = `${path}.${process.pid}.tmp`;
  const file = openSync(staging, "wx");
  try {
    const random = seeded(seed);
    let text = kind === "csv" ? "id,city,product,price,quantity,date\n" : "";
    let written = 0;
    for (let id = 0; written + text.length < sizeBytes; id++) {
      text += rows[kind](id, random);
      if (text.length < chunkCharacters) continue;
      written += writeSync(file, text);
      text = "";
    }
    writeSync(file, text);
    closeSync(file);
    renameSync(staging, path);
  } finally {
    rmSync(staging, { force: true });
  }
  return path;
}

const below = (random: Random, most: number) => Math.floor(random.next() * most);
const city = (random: Random) => cities[below(random, citiesMax)]!;
/** Some products are asked for more often. */
const product = (random: Random) => `p-${Math.floor(random.next() ** 2 * productsMax)}`;
const price = (random: Random) => below(random, 100_000) / 100;

const rows: { readonly [kind in TableKind]: (id: number, random: Random) => string } = {
  csv(id, random) {
    const date = `2026-0${1 + below(random, 9)}-1${below(random, 10)}`;
    const sale = `${city(random)},${product(random)},${price(random)}`;
    return `${id},${sale},${1 + below(random, 9)},${date}\n`;
  },
  ndjson: (id, random) =>
    `${JSON.stringify({
      id,
      city: city(random),
      product: product(random),
      price: price(random),
      quantity: 1 + below(random, 9),
      tags: ["a", "b"],
      user: { name: `u${id % 1000}`, ok: true },
    })}\n`,
  log(_, random) {
    const user = Math.floor(random.next() ** 1.3 * 1.6e6).toString(36);
    const status = random.next() < 0.9 ? 200 : 404;
    return `u${user} GET /item/${below(random, 10_000)} ${status} ${below(random, 90_000)}ms\n`;
  },
};
