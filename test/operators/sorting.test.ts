/** The operators that sort, planned, mapped and reduced as on a cluster, against the judge: byte
 *  for byte, whatever the input, its splits, its partitions and the memory. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { bytes, text } from "../../src/index.ts";
import type { AnyOperator, Job } from "../../src/sdk/job.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { judgedParts, kernelParts, type Trial } from "./tasks.ts";

const dir = temporaryDir({ after }, "tequio-sorting-");

let files = 0;
function fileOf(content: string | Uint8Array, extension = "txt"): string {
  const path = join(dir, `${files++}.${extension}`);
  writeFileSync(path, content);
  return path;
}

/** Both results, the parts one after the other. */
async function bothOf(job: Job, inputs: readonly string[], trial: Partial<Trial> = {}) {
  const given = { job, inputs, dir, splitBytes: 300, spillBytes: 1024, reducers: 3, ...trial };
  const kernel = await kernelParts(given);
  const judged = await judgedParts(given);
  assert.deepEqual(kernel.map(String), judged.map(String));
  return { parts: kernel, whole: Buffer.concat(kernel) };
}

const line = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 20 }).map((some) => some.replaceAll("\n", "")),
  fc.constantFrom("", "hot", "hot", "hot key", "\r", "é", "e\u0301", "\u{1f600}", "12 a", "-3"),
);
const lines = fc.array(line, { maxLength: 60 }).map((some) => some.join("\n"));
const settings = fc.record({
  order: fc.constantFrom("ascending" as const, "descending" as const),
  splitBytes: fc.constantFrom(7, 64, 100_000),
  reducers: fc.integer({ min: 1, max: 5 }),
});

test("lines of any text come out as the judge has them", async () => {
  const kind = fc.constantFrom("sort", "distinct", "numeric", "top");
  await fc.assert(
    fc.asyncProperty(fc.array(lines, { minLength: 1, maxLength: 3 }), settings, kind, run),
    { numRuns: depth(80, 27) },
  );
  async function run(texts: string[], { order, ...trial }: Chosen, kind: string) {
    const source = text.lines();
    const jobs: Record<string, Job> = {
      sort: source.sort({ order }),
      distinct: source.distinct(),
      numeric: source.sort({ order, numeric: true }),
      top: source.topK(5, { order }),
    };
    const reducers = kind === "top" ? {} : { reducers: trial.reducers };
    const inputs = texts.map((some) => fileOf(some));
    await bothOf(jobs[kind]!, inputs, { splitBytes: trial.splitBytes, ...reducers });
  }
});
type Chosen = {
  readonly order: "ascending" | "descending";
  readonly splitBytes: number;
  readonly reducers: number;
};

test("rows of CSV and JSON come out by their columns as the judge has them", async () => {
  const cell = fc.oneof(
    fc.constantFrom("hot", "", "a,b", 'say "x"', "10", "9", "-1.5", "1e3", "ñ"),
    fc.string({ unit: "grapheme", maxLength: 6 }).map((some) => some.replace(/[\r\n]/g, "")),
  );
  const rows = fc.array(fc.tuple(cell, cell), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(rows, settings, fc.boolean(), async (cells, { order, ...trial }, numeric) => {
      const quoted = (one: string) => `"${one.replaceAll('"', '""')}"`;
      const csv = ["a,skipped,b", ...cells.map(([a, b]) => `${quoted(a)},x,${quoted(b)}`)];
      const options = { by: ["b", "a"] as const, order, numeric };
      const ofCsv = text.csv(["a", "b"]);
      await bothOf(ofCsv.sort({ ...options, output: "csv" }), [fileOf(csv.join("\n"))], trial);
      await bothOf(ofCsv.distinct({ by: "b" }), [fileOf(csv.join("\n"))], trial);
      const json = cells.map(([a, b]) => JSON.stringify({ a, deep: { b: numeric ? 1 : [b] } }));
      const ofJson = text.json(["a", "deep.b", "none"]);
      await bothOf(ofJson.sort({ ...options, by: "deep.b" }), [fileOf(json.join("\n"))], trial);
    }),
    { numRuns: depth(40, 14) },
  );
});

test("exponents with zeros before them are numbers, and those beyond ±9,999 are none", async () => {
  const numbers = ["-1e+0000000000002", "-5", "7", "1e0000002", "1E+00000000000000003", "1e9999"];
  const lines = ["none", "1e10000", "-1e99999", ...numbers];
  const shuffled = [5, 0, 8, 3, 1, 7, 2, 6, 4].map((i) => lines[i]);
  const options = { splitBytes: 1_000_000, reducers: 1 };
  const { whole } = await bothOf(
    text.lines().sort({ numeric: true }),
    [fileOf(shuffled.join("\n"))],
    options,
  );
  const csv = fileOf(["n", ...shuffled].join("\n"));
  const table = text.csv(["n"]);
  await bothOf(table.sort({ by: "n", numeric: true, output: "csv" }), [csv], options);
  await bothOf(table.table().sort({ by: "n", numeric: true }), [csv], options);
  const sorted = Buffer.from(whole).toString().trim().split("\n");
  assert.deepEqual(sorted.slice(0, 3).toSorted(), lines.slice(0, 3).toSorted());
  assert.deepEqual(sorted.slice(3), numbers);
});

test("records of one size come out as the judge has them", async () => {
  const record = fc.uint8Array({ minLength: 9, maxLength: 9 });
  const few = fc.array(fc.constantFrom(0, 10, 255), { minLength: 9, maxLength: 9 });
  const records = fc.array(
    fc.oneof(
      record,
      few.map((some) => Uint8Array.from(some)),
    ),
  );
  await fc.assert(
    fc.asyncProperty(records, settings, async (some, { order, ...trial }) => {
      const inputs = [fileOf(Buffer.concat(some), "bin")];
      const source = bytes.records(9, { key: [2, 6] });
      await bothOf(source.sort({ order }), inputs, trial);
      await bothOf(source.distinct(), inputs, trial);
    }),
    { numRuns: depth(40, 14) },
  );
});

test("a hot key, sorted input and very long lines are sorted in equal parts", async () => {
  const sorted = Array.from({ length: 3_000 }, (_, i) => `${String(i).padStart(8, "0")} some text`);
  const { parts, whole } = await bothOf(text.lines().sort(), [fileOf(sorted.join("\n"))], {
    splitBytes: 4_000,
  });
  assert.equal(String(whole), `${sorted.join("\n")}\n`);
  const sizes = parts.map(({ length }) => length);
  assert.ok(Math.max(...sizes) < 1.2 * Math.min(...sizes), `equal shares: ${sizes}`);
  const hot = sorted.map((one, i) => (i % 10 === 0 ? one : "hot"));
  await bothOf(text.lines().sort(), [fileOf(hot.join("\n"))], { splitBytes: 4_000 });
  const long = ["b", "a"].map((letter) => letter.repeat(700_000));
  const both = [fileOf(long.join("\n")), fileOf("c")];
  const { whole: ofLong } = await bothOf(text.lines().sort({ order: "descending" }), both, {
    splitBytes: 300_000,
  });
  assert.equal(String(ofLong), `c\n${long.join("\n")}\n`);
});

test("equal keys keep the order of the input, over files, splits and rounds", async () => {
  const rows = Array.from({ length: 2_000 }, (_, i) => `${i % 3},${i}`);
  const inputs = [0, 1].map((half) => {
    return fileOf(["key,n", ...rows.slice(half * 1_000, (half + 1) * 1_000)].join("\n"));
  });
  const job = text.csv(["key", "n"]).sort({ by: "key", output: "csv" });
  const { whole } = await bothOf(job, inputs, { reducers: 1, splitBytes: 5_000 });
  const expected = [0, 1, 2].flatMap((key) => rows.filter((row) => row.startsWith(`${key},`)));
  assert.equal(String(whole), `key,n\n${expected.join("\n")}\n`);
});

test("no input, one record, a byte order mark and compressed files are sorted", async () => {
  const sort = text.lines().sort();
  assert.equal(String((await bothOf(sort, [fileOf("")])).whole), "");
  assert.equal(String((await bothOf(sort, [fileOf("\ufeffone")])).whole), "one\n");
  const packed = fileOf(gzipSync(Array.from({ length: 500 }, (_, i) => `${i}`).join("\n")), "gz");
  const { parts } = await bothOf(sort, [packed, fileOf("5\n")]);
  assert.ok(
    parts.every(({ length }) => length > 300),
    "compressed files are sampled too",
  );
});

test("texts are sorted as tables of one column, too", async () => {
  const inputs = ["b,1\nc\n", 'a "q"\nb,1\nc'].map((lines) => fileOf(lines));
  const whole = async (job: AnyOperator) =>
    String((await bothOf(job, inputs, { reducers: 1, splitBytes: 4 })).whole);
  const lines = text.lines();
  const csv = 'line\n"a ""q"""\n"b,1"\n"b,1"\nc\nc\n';
  assert.equal(await whole(lines.sort({ output: "csv" })), csv);
  assert.equal(await whole(lines.distinct({ output: "csv" })), 'line\n"a ""q"""\n"b,1"\nc\n');
  const rows = '{"line":"c"}\n{"line":"c"}\n';
  assert.equal(await whole(lines.topK(2, { output: "ndjson" })), rows);
  const words = text.words().distinct({ output: "csv" });
  assert.equal(await whole(words), "word\n1\na\nb\nc\nq\n");
  const match = text.match(/[a-z]/).topK(1, { output: "csv" });
  assert.equal(await whole(match), "match\nq\n");
  // As they are, without a wish.
  assert.equal(await whole(lines.distinct()), 'a "q"\nb,1\nc\n');
});

test("what cannot be sorted is refused where it is written, with the reason", async () => {
  const refused = (make: () => unknown, why: RegExp) => {
    assert.throws(make, { code: "bad-request", message: why });
  };
  refused(() => text.csv(["a"]).sort({ by: "b" as "a" }), /no column "b"; there are: a/);
  refused(() => text.lines().topK(0), /topK\(0\): how many is a whole number from 1 to/);
  refused(() => bytes.records(10, { key: [5, 11] }), /the key's are some of them/);
  const records = bytes.records(10) as unknown as { sort(options: object): unknown };
  refused(() => records.sort({ output: "csv" }), /output csv is for records with columns/);
  const job = bytes.records(10).sort();
  const trial = { job, inputs: [fileOf("12345678901")], dir, splitBytes: 1, spillBytes: 1024 };
  await assert.rejects(kernelParts({ ...trial, reducers: 1 }), /has 11 bytes, and records of 10/);
});
