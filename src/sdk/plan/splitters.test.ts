/** The sample of a sort: little memory, fair borders, whatever the inputs are like. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bytes, text } from "../../index.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import type { SortSpec } from "../../wire/block/plan.ts";
import type { FormatSpec } from "../format.ts";
import type { Job } from "../job.ts";
import { planJob } from "../plan.ts";
import { placesIn, readPlace } from "./places.ts";

const folder = temporaryDir({ after }, "tequio-splitters-");

async function splitters(job: Job, name: string, reducers: number): Promise<string[]> {
  const inputs = [join(folder, name)];
  const { plan } = await planJob(job, { inputs, params: {}, host: "here", reducers });
  return (plan.operator!.apply as SortSpec).splitters.map((key) => atob(key));
}

/** Bytes that the most memory of this process has grown by. */
async function grown(work: () => Promise<unknown>): Promise<number> {
  const { maxRSS } = process.resourceUsage();
  await work();
  return (process.resourceUsage().maxRSS - maxRSS) * 1024;
}

test("planning a sort takes the memory of its sample, not of its input", async () => {
  const line = (i: number) => `${(i * 7919) % 1000} `.padEnd(99, ".");
  const chunk = `${Array.from({ length: 10_486 }, (_, i) => line(i)).join("\n")}\n`;
  writeFileSync(join(folder, "lines.txt"), chunk.repeat(64));
  const grew = await grown(() => splitters(text.lines().sort(), "lines.txt", 8));
  assert.ok(grew < 64e6, `${Math.round(grew / 1e6)} MB`);
});

test("a line that fills the file is looked at only where it begins", async () => {
  writeFileSync(join(folder, "one.txt"), Buffer.alloc(64 << 20, "x"));
  const keys: string[] = [];
  const grew = await grown(async () => {
    keys.push(...(await splitters(text.lines().sort(), "one.txt", 4)));
  });
  assert.ok(grew < 64e6, `${Math.round(grew / 1e6)} MB`);
  assert.deepEqual(keys, Array(3).fill("x".repeat(256)));
});

test("lines longer than a place, rows behind a header and gzip give fair borders", async () => {
  const number = (i: number) => String((i * 7919) % 1000).padStart(3, "0");
  const long = Array.from({ length: 200 }, (_, i) => number(i).padEnd(30_000, "."));
  writeFileSync(join(folder, "long.txt"), `${long.join("\n")}\n`);
  const rows = Array.from({ length: 60_000 }, (_, i) => `${i},${number(i)},${"x".repeat(80)}`);
  const table = `id,n,filling\n${rows.join("\n")}\n`;
  writeFileSync(join(folder, "table.csv"), table);
  writeFileSync(join(folder, "table.csv.gz"), gzipSync(table));
  const byNumber = text.csv(["n", "filling"]).sort({ by: "n" });
  for (const [job, name] of [
    [text.lines().sort(), "long.txt"],
    [byNumber, "table.csv"],
    [byNumber, "table.csv.gz"],
  ] as const) {
    const borders = await splitters(job, name, 4);
    const found = borders.map((key) => Number(/\d{3}/.exec(key)?.[0]));
    for (const [i, border] of found.entries()) {
      assert.ok(Math.abs(border - 250 * (i + 1)) < 100, `${name}: ${found.join(" ")}`);
    }
  }
});

test("a sort of few partitions reads few records of each place, one of many more", async () => {
  // At each place eight small keys, and large ones behind them.
  const record = (i: number) => (i % 128 < 8 ? "a" : "z").padEnd(128, ".");
  const place = Array.from({ length: 128 }, (_, i) => record(i)).join("");
  writeFileSync(join(folder, "places.bin"), place.repeat(512));
  const job = bytes.records(128, { key: [0, 1] }).sort();
  assert.deepEqual(await splitters(job, "places.bin", 4), ["a", "a", "a"]);
  const many = await splitters(job, "places.bin", 32);
  assert.ok(many.filter((key) => key === "z").length > 20, many.join(" "));
});

test("of many files only as many are opened as there are places", () => {
  const at = { kind: "path", host: "here", path: "x", mtimeMs: 0 } as const;
  const file = { name: "x.gz", compression: "gzip", sizeBytes: 100_000, at } as const;
  const places = placesIn(Array(20_000).fill(file), { format: "lines" } as never);
  assert.ok(places.length > 0 && places.length <= 512, String(places.length));
});

test("the header of a file is asked for once, not at each of its places", async () => {
  const rows = Array.from({ length: 5_000 }, (_, i) => `${i},${i % 7}\n`).join("");
  const content = Buffer.from(`k,v\n${rows}`);
  const sizeBytes = content.length;
  const at = { kind: "remote", url: "http://127.0.0.1/rows.csv" } as never;
  const file = { name: "rows.csv", compression: "none", sizeBytes, at } as const;
  const asked: number[] = [];
  const from = {
    files: [file],
    uploads: [],
    unpackStart: (packed: Uint8Array) => packed,
    readRemote: async (_: unknown, start: number, end: number) => {
      asked.push(start);
      return content.subarray(start, end);
    },
    mayBeCut: false,
  };
  const format = { format: "csv", header: true, separator: ",", multiline: false } as FormatSpec;
  const places = placesIn([file], format);
  assert.ok(places.length > 3);
  for (const place of places) {
    const [, [, start, end], , [upload]] = (await readPlace(place, format, from))!;
    assert.equal(upload?.at.kind, "bytes");
    const found = Buffer.from(upload.at.bytes).toString();
    assert.ok(found.startsWith("k,v\n"), "behind the header of the file");
    assert.match(found.slice(start, end), place.at === 0 ? /^k,v\n0,0\n/ : /^\d+,\d\n/);
  }
  // The first place begins there, too.
  assert.equal(asked.filter((start) => start === 0).length, 2);
});
