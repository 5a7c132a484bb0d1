/** Every kernel at its edges: splits, partitions and whole inputs without a record, one record, all
 *  records in one partition, keys of any length. All output equals the judge's. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { bytes, type Key, mapReduce, text } from "../../src/index.ts";
import type { Job } from "../../src/sdk/job.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { readKey } from "../../src/wire/block/key.ts";
import { decodeManifest } from "../../src/wire/block/manifest.ts";
import { readValue } from "../../src/wire/block/value.ts";
import { SegmentFiles } from "../../src/worker/kernels/run-file.ts";
import { SortKernel } from "../../src/worker/kernels/sorting/kernel.ts";
import { mergeSegments } from "../../src/worker/kernels/sorting/merging.ts";
import { Sorter } from "../../src/worker/kernels/sorting/sorter.ts";
import { EmitTable } from "../../src/worker/kernels/table.ts";
import { isShort } from "../fixtures/depth.ts";
import { judgedParts, kernelParts } from "./tasks.ts";

const dir = temporaryDir({ after }, "tequio-edges-");

type Contents = ReadonlyArray<string | Uint8Array>;
type Kernel = {
  readonly job: Job;
  readonly record: (key: string) => string;
  readonly head?: string;
};

const csv = text.csv(["k", "v"]);
const json = text.json(["k", "v"]);
const asCsv = { record: (key: string) => `"${key}",7\n`, head: "k,v\n" };
const asJson = { record: (key: string) => `${JSON.stringify({ k: key, v: 7 })}\n` };
const asLine = { record: (key: string) => `${key}\n` };
const asFixed = { record: (key: string) => key.padEnd(8, ".").slice(0, 8) };
const joined = (kind: "inner" | "outer") => json.join(json, { on: "k", kind });

const kernels: Readonly<Record<string, Kernel>> = {
  "words count": { job: text.words().count(), ...asLine },
  "words in small letters count": { job: text.words({ lowercase: true }).count(), ...asLine },
  "words by count as text": { job: text.words().count({ output: "text" }), ...asLine },
  "words count topK": { job: text.words().count().topK(2), ...asLine },
  "lines count": { job: text.lines().count(), ...asLine },
  "match count": { job: text.match(/\S+/).count(), ...asLine },
  "csv by count": { job: csv.by("k").count(), ...asCsv },
  "csv by sum": { job: csv.by("k").sum("v"), ...asCsv },
  "csv min": { job: csv.min("v"), ...asCsv },
  "csv by max": { job: csv.by("k").max("v"), ...asCsv },
  "json by sum topK": { job: json.by("k").sum("v").topK(2), ...asJson },
  "lines sort": { job: text.lines().sort(), ...asLine },
  "lines sort descending": { job: text.lines().sort({ order: "descending" }), ...asLine },
  "lines distinct": { job: text.lines().distinct(), ...asLine },
  "lines topK": { job: text.lines().topK(2), ...asLine },
  "csv sort": { job: csv.sort({ by: "k", output: "csv" }), ...asCsv },
  "json distinct": { job: json.distinct({ by: "k" }), ...asJson },
  "records sort": { job: bytes.records(8, { key: [1, 6] }).sort(), ...asFixed },
  "records distinct": { job: bytes.records(8).distinct(), ...asFixed },
  "join inner": { job: joined("inner"), ...asJson },
  "join outer": { job: joined("outer"), ...asJson },
  "mapReduce with combine": {
    job: mapReduce({
      input: text.lines(),
      map: (line, emit) => emit(line, 1),
      combine: (a: number, b: number) => a + b,
    }),
    ...asLine,
  },
  "mapReduce with reduce": {
    job: mapReduce({
      input: text.lines(),
      map: (line, emit) => emit(line.length, line),
      reduce: (_: number, lines: Iterable<string>) => [...lines].join(" "),
    }),
    ...asLine,
  },
};

/** The files of each shape. Each compressed file is a split of its own. */
function shapes({ record, head = "" }: Kernel): Readonly<Record<string, Contents>> {
  const some = `${head}${["b", "a", "c", "a"].map(record).join("")}`;
  const none = gzipSync(head);
  const many = Array.from({ length: 40 }, (_, i) => record(`key${i % 7}`)).join("");
  return {
    "an empty split": [gzipSync(some), none],
    "an empty split first": [none, zstdCompressSync(some)],
    "only empty splits": [none, none],
    "an empty file": ["", some],
    "no records at all": [head],
    "one record": [`${head}${record("one")}`],
    "one record without its newline": [`${head}${record("one").trimEnd()}`],
    "an empty partition": [`${head}${record("one")}`, `${head}${record("one")}`],
    "all records in one partition": [`${head}${record("same").repeat(50)}`],
    "many records in many splits": [head + many, gzipSync(head + many)],
  };
}

for (const [number, [name, kernel]] of Object.entries(kernels).entries()) {
  test(`X6: ${name}: empty splits and partitions, one record, none, one key`, async (t) => {
    for (const [at, [shape, contents]] of Object.entries(shapes(kernel)).entries()) {
      // Each kernel meets some, each shape some of the kernels.
      if (isShort && (at + number) % 3 !== 0) continue;
      await t.test(shape, () => agree(kernel.job, contents));
    }
  });
}

let files = 0;

async function agree(job: Job, contents: Contents, spillBytes = 1024): Promise<void> {
  const inputs = contents.flatMap((content) => {
    const path = join(dir, `${files++}${endingOf(content)}`);
    writeFileSync(path, content);
    return namesOf(job).map((name) => (name === "default" ? path : `${name}=${path}`));
  });
  // What follows an operator has all pairs in one partition.
  const isOne = job.kind === "operator" && job.operator.last !== null;
  const sizes = { splitBytes: spillBytes >> 3, spillBytes, ...(isOne ? {} : { reducers: 4 }) };
  const trial = { job, inputs, dir, ...sizes };
  const done = await kernelParts(trial);
  const judged = await judgedParts(trial);
  assert.equal(done.length, judged.length);
  for (const [i, part] of done.entries()) {
    const is = `part ${i} is ${part.subarray(0, 200)}, not ${judged[i]!.subarray(0, 200)}`;
    assert.ok(part.equals(judged[i]!), is);
  }
  for (const path of inputs) rmSync(path.slice(path.indexOf("=") + 1), { force: true });
}

function endingOf(content: string | Uint8Array): string {
  const start = Buffer.from(content.slice(0, 4)).toString("hex");
  return start.startsWith("1f8b") ? ".gz" : start === "28b52ffd" ? ".zst" : ".txt";
}

function namesOf(job: Job): readonly string[] {
  if (job.kind === "tasks") return [];
  return Object.keys(job.kind === "operator" ? job.operator.inputs : job.inputs);
}

const lengths = [1, 2, 7, 8, 9, 16, 17, 1_000, 20_000, 50_000, 300_000, 1_000_000];

test("X7: keys of 1 byte to 1 MiB that share all but their ends equal the judge's", async () => {
  const prefixes = lengths.map((length) => "a".repeat(length));
  const keys = prefixes.flatMap((prefix) => [prefix, `${prefix}b`, `${prefix}c`]);
  const longest = "z".repeat(1024 * 1024 - 1);
  const lines = [...keys, longest, `${longest.slice(1)}y`].map((key) => `${key}\n`).join("");
  const rows = keys.map((key) => `${JSON.stringify({ k: key, v: 1 })}\n`).join("");
  const jobs: ReadonlyArray<readonly [Job, string]> = [
    [text.words().count(), lines],
    [text.words({ lowercase: true }).count(), lines.toUpperCase()],
    [text.lines().count(), lines],
    [text.lines().sort(), lines],
    [text.lines().sort({ order: "descending" }), lines],
    [text.lines().distinct(), lines + lines],
    [json.by("k").sum("v"), rows],
    [json.sort({ by: "k" }), rows],
    [json.join(json, { on: "k" }), rows],
  ];
  for (const [job, content] of jobs) await agree(job, [content], 8 * 1024 * 1024);
});

test("X7: where each word begins with all before it, calls are not as deep as that", async () => {
  const chain = Array.from({ length: 1_500 }, (_, i) => "b".repeat(8 * i + 20)).join("\n");
  const twice = Array.from({ length: 400 }, (_, i) => `${"c".repeat(300 * i)}\n`).join("");
  for (const content of [chain, twice, `${chain}\n${twice}`]) {
    await agree(text.words().count(), [content], 16 * 1024 * 1024);
    await agree(text.lines().sort(), [content], 16 * 1024 * 1024);
  }
});

test("X7: a table with more keys than a Map of the engine takes spills before", () => {
  const path = join(dir, "many.run");
  const entries = (rounds: number, keysInMap?: number): Array<readonly [Key, unknown]> => {
    const combine = (a: unknown, b: unknown) => (a as number) + (b as number);
    const shared = { partitionCount: 1, spillBytes: 1 << 30, combine, path };
    const table = new EmitTable({ ...shared, partition: null, descending: false, keysInMap });
    try {
      for (let i = 0; i < rounds; i++) {
        table.emit(i % 1_000, 1);
        table.emit([i % 700], 1);
        table.emit(`a key of more than sixteen characters ${i % 300}`, 1);
      }
      const hasSpilled = readdirSync(dir).some((name) => name.includes(".spill-"));
      assert.equal(hasSpilled, keysInMap !== undefined);
      const manifest = decodeManifest(table.finish());
      return [...entriesOf(path, manifest.at(0)!.sizeBytes)];
    } finally {
      table.close();
    }
  };
  const whole = entries(5_000);
  assert.equal(whole.length, 2_000);
  assert.deepEqual(entries(5_000, 64), whole);
  // A spill for each pair: fewer of them, since each is a file.
  assert.deepEqual(entries(400, 1), entries(400));
});

function* entriesOf(path: string, sizeBytes: number): Generator<readonly [Key, unknown]> {
  const files = new SegmentFiles();
  try {
    const run = files.reader({ path, offset: 0, sizeBytes });
    while (run.next()) {
      const key = readKey(run.key, 0, run.keyLength);
      yield [key, readValue(run.bytes, run.valueStart, run.valueEnd)];
    }
  } finally {
    files.close();
  }
}

test("X7: more than 2^24 different records are sorted, each once", () => {
  const count = 2 ** 24 + 1_000;
  const path = join(dir, "distinct.run");
  const shape = { kind: "fixed", recordBytes: 4, key: [0, 4] } as const;
  const ordering = { shape, descending: false, unique: true, limit: null };
  const memoryBytes = 32 * 1024 * 1024;
  const sorter = new Sorter({ ordering, splitters: [], memoryBytes, path });
  // An odd multiplier: each number of 32 bits comes at most once in the first 2^32.
  for (let i = 0; i < count; ) {
    const room = sorter.room(4);
    const view = new DataView(room.buffer, room.byteOffset, room.length);
    let filled = 0;
    for (; i < count && filled + 4 <= room.length; filled += 4, i++) {
      view.setUint32(filled, Math.imul(i, 0x9e3779b1));
    }
    sorter.added(filled);
  }
  const [partition] = decodeManifest(sorter.finish());
  sorter.close(true);
  assert.equal(partition!.records, count);
  let last = -1;
  let records = 0;
  const kernel = SortKernel.take(ordering);
  const merging = { kernel, ordering, memoryBytes, path: join(dir, "merged"), strip: false };
  mergeSegments([{ path, ...partition! }], merging, {
    write(part) {
      const view = new DataView(part.buffer, part.byteOffset, part.length);
      for (let at = 0; at < part.length; at += 4, records++) {
        const value = view.getUint32(at);
        if (value <= last) assert.fail(`${value} comes behind ${last}`);
        last = value;
      }
    },
  });
  assert.equal(records, count);
});
