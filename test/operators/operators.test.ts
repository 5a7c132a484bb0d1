/** Operators: the judge's results, the kernels' results, and that both are the same bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { mapReduce, type Pairs, text } from "../../src/index.ts";
import { WordCounts } from "../../src/worker/kernels/wasm/word-counts.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { allWays } from "./run.ts";

/** Rows by key, after all three ways have agreed. */
async function rowsOf(
  job: Pairs,
  contents: ReadonlyArray<string | Uint8Array>,
  options: Parameters<typeof allWays>[2] = {},
): Promise<Array<readonly [key: unknown, value: unknown]>> {
  const { judge, kernels, functions } = await allWays(job, contents, options);
  assert.deepEqual(functions, judge);
  assert.deepEqual(kernels, judge);
  const lines = judge.parts.flatMap((part) => part.split("\n").slice(0, -1));
  return lines.map((line) => {
    const { key, value } = JSON.parse(Buffer.from(line, "latin1").toString());
    return [key, value] as const;
  });
}

const prices = 'city,price,note\nOaxaca,0.1,a\nPuebla,7,\nOaxaca,0.2,"x,\ny"\n';

test("words are counted, in small letters when asked", async () => {
  const content = "The sea, the SEA; Été été don’t Don't\n";
  assert.deepEqual(await rowsOf(text.words().count(), [content]), [
    ["Don't", 1],
    ["SEA", 1],
    ["The", 1],
    ["don’t", 1],
    ["sea", 1],
    ["the", 1],
    ["Été", 1],
    ["été", 1],
  ]);
  const small = await rowsOf(text.words({ lowercase: true }).count(), [content]);
  assert.deepEqual(small.slice(2), [
    ["sea", 2],
    ["the", 2],
    ["été", 2],
  ]);
});

const characters = fc.constantFrom(
  ..."aZ9'’_-. \n\n\0éÉßİΣς日ёЁ😀𝟘K\u0301\u00a0\ufeff\ufffd",
  "word",
  "Don't",
  "sixteenlettersxx",
  "seventeenLettersX",
  "EIN sehr langes Wort",
  "\r\n",
);
const invalid = fc
  .constantFrom("ff", "80", "e697", "c3", "c080", "eda080", "f09f98", "f4908080")
  .map((hex) => Buffer.from(hex, "hex"));
const content = fc
  .array(fc.oneof({ weight: 9, arbitrary: characters }, invalid), { maxLength: 60, size: "max" })
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part as string))));

test("counted words equal the judge's for any bytes, splits, spills and partitions", async () => {
  const property = fc.asyncProperty(
    content,
    fc.record({
      splitBytes: fc.integer({ min: 1, max: 200 }),
      reducers: fc.integer({ min: 1, max: 5 }),
      lowercase: fc.boolean(),
      output: fc.constantFrom("ndjson", "csv", "text" as const),
    }),
    async (bytes, { splitBytes, reducers, lowercase, output }) => {
      const job = text.words({ lowercase, encoding: "utf-8-lossy" }).count({ output });
      const options = { splitBytes, reducers, spillBytes: 1024 };
      const { judge, kernels, functions } = await allWays(job, [bytes], options);
      assert.deepEqual(functions, judge);
      assert.deepEqual(kernels, judge);
    },
  );
  await fc.assert(property, { numRuns: depth(25, 9) });
});

test("many and long words are counted through spills and merges", async () => {
  const words = Array.from(
    { length: 30_000 },
    (_, i) => `w${(i * 7919) % 5003}${"y".repeat(i % 40)}`,
  );
  const bytes = `${words.join(" ")} ${"É".repeat(400_000)} ${"x".repeat(700_000)} end`;
  const job = text.words({ lowercase: true }).count();
  const rows = await rowsOf(job, [bytes, bytes], { spillBytes: 64 * 1024, splitBytes: 300_000 });
  assert.equal(rows.find(([key]) => key === "é".repeat(400_000))?.[1], 2);
  assert.equal(rows.find(([key]) => key === "x".repeat(700_000))?.[1], 2);
  assert.equal(rows.find(([key]) => key === "end")?.[1], 2);
});

test("a word that is too long for a key is a bad record", async () => {
  const bytes = `a ${"é".repeat(600_000)} b`;
  const job = text.words().count({ badRecords: "keep" });
  const { judge, kernels } = await allWays(job, [bytes]);
  assert.deepEqual(kernels, judge);
  assert.match(kernels.bad, /a key of 1200001 bytes/);
  await assert.rejects(
    allWays(text.words().count(), [bytes]),
    /user-error: a key of 1200001 bytes/,
  );
});

test("malformed payloads are counted or refused, whatever their bytes are", () => {
  const counts = new WordCounts(false);
  const text = Buffer.from("one two three two seventeenLettersX and a long-long word, one\n");
  counts.input.set(text);
  counts.scan(text.length);
  const [, words = 0] = counts.sort(1);
  let payload = new Uint8Array(0);
  counts.writeRun(0, words, (bytes) => {
    payload = bytes.slice();
  });
  const changes = fc.array(fc.tuple(fc.nat(payload.length - 1), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(changes, fc.nat(payload.length), (changed, length) => {
      const bytes = payload.slice(0, length);
      for (const [at, byte] of changed) if (at < length) bytes[at] = byte;
      counts.clear();
      counts.input.set(bytes);
      const entries = counts.absorb(length);
      assert.ok(entries >= -1 && entries <= length / 5);
      const [from = 0, to = 0] = counts.sort(1);
      counts.writeRows([from, to], "ndjson", () => {});
    }),
    { numRuns: depth(3000, 1000) },
  );
});

test("lines, matches, columns and paths are counted by what they are", async () => {
  assert.deepEqual(await rowsOf(text.lines().count(), ["b\na\r\nb\n\n"]), [
    ["", 1],
    ["a", 1],
    ["b", 2],
  ]);
  const log = "GET /a 200\nPUT /a 500\nGET /b 200\nnothing\n";
  assert.deepEqual(await rowsOf(text.match(/\/\w/).count(), [log]), [
    ["/a", 2],
    ["/b", 1],
  ]);
  const requests = text.match(/^(\w+) (\S+) (\d+)?/, ["method", "path", "status"]);
  assert.deepEqual(await rowsOf(requests.by("method").count(), [log]), [
    ["GET", 2],
    ["PUT", 1],
  ]);
  assert.deepEqual(await rowsOf(requests.by("status", "method").count(), [log]), [
    [["200", "GET"], 2],
    [["500", "PUT"], 1],
  ]);
  const users = '{"user":{"id":1,"tags":["x"]}}\n{"user":{"id":"1"}}\n\n{"user":null}\n';
  assert.deepEqual(await rowsOf(text.json(["user.id"]).count(), [users]), [
    [null, 1],
    [1, 1],
    ["1", 1],
  ]);
  assert.deepEqual(await rowsOf(text.json(["user.tags.0"]).by("user.tags.0").count(), [users]), [
    [null, 2],
    ["x", 1],
  ]);
});

test("numbers are added exactly, and compared as numbers", async () => {
  const rows = text.csv(["city", "price"], { multiline: true });
  assert.deepEqual(await rowsOf(rows.by("city").sum("price"), [prices]), [
    ["Oaxaca", 0.3],
    ["Puebla", 7],
  ]);
  assert.deepEqual(await rowsOf(rows.sum("price"), [prices]), [[null, 7.3]]);
  const numbers = text.csv(["n"], { header: false });
  const any = '-2\n 10\n9\n-0\n1e3\n+.5\n""\n';
  assert.deepEqual(await rowsOf(numbers.max("n"), [any]), [[null, 1000]]);
  assert.deepEqual(await rowsOf(numbers.min("n"), [any]), [[null, -2]]);
  assert.deepEqual(await rowsOf(numbers.sum("n"), [any]), [[null, 1017.5]]);
  const large = `${Number.MAX_SAFE_INTEGER}\n1\n1\n-2\n9007199254740993\n1e300\n-1e300\n0.001\n`;
  assert.deepEqual(await rowsOf(numbers.sum("n"), [large], { splitBytes: 4 }), [
    [null, 18014398509481984],
  ]);
  const json = text.json(["a"]);
  const values = '{"a":0.1}\n{"a":null}\n{}\n{"a":"0.2"}\n{"a":-3}\n';
  assert.deepEqual(await rowsOf(json.sum("a"), [values]), [[null, -2.7]]);
});

test("a sum may pass what a number holds on its way, and not at its end", async () => {
  const numbers = text.csv(["n"], { header: false });
  const most = `${Number.MAX_VALUE}`;
  const passing = [most, most, `-${most}`, "1"].join("\n");
  assert.deepEqual(await rowsOf(numbers.sum("n"), [passing], { splitBytes: 4 }), [
    [null, Number.MAX_VALUE],
  ]);
  await assert.rejects(allWays(numbers.sum("n"), [`${most}\n${most}\n`]), /sum of "n" is beyond/);
});

/** Ten of them add up to a number. */
const most = Number.MAX_VALUE / 10;
const decimal = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, min: -most, max: most }).map(String),
  fc.tuple(fc.integer({ min: -9999, max: 9999 }), fc.nat(999)).map(([a, b]) => `${a}.${b}`),
);

test("sums do not depend on how the input is split", async () => {
  const numbers = text.csv(["n"], { header: false });
  const property = fc.asyncProperty(
    fc.array(decimal, { minLength: 1, maxLength: 10 }),
    fc.integer({ min: 10, max: 60 }),
    async (list, splitBytes) => {
      const rows = await rowsOf(numbers.sum("n"), [list.join("\n")], { splitBytes });
      const backwards = await rowsOf(numbers.sum("n"), [list.toReversed().join("\n")]);
      assert.deepEqual(rows, backwards);
    },
  );
  await fc.assert(property, { numRuns: depth(15, 5) });
});

test("a missing number, key or column is reported with its place, or set aside", async () => {
  const rows = text.csv(["city", "price"]);
  const wrong = "city,price\na,1\nb,much\nc,1e999\nd,2\n";
  await assert.rejects(
    allWays(rows.sum("price"), [wrong]),
    /user-error: "price" is "much", which is no number on the record at .*:15/,
  );
  const kept = await allWays(rows.sum("price", { badRecords: "keep" }), [wrong]);
  assert.deepEqual(kept.kernels, kept.judge);
  assert.deepEqual(kept.judge.parts, ['{"key":null,"value":3}\n']);
  assert.equal(kept.judge.bad.trimEnd().split("\n").length, 2);
  const deep = '{"a":{"b":1}}\n';
  await assert.rejects(allWays(text.json(["a"]).count(), [deep]), /"a" is an object/);
  await assert.rejects(allWays(text.csv(["no"]).count(), [wrong]), /no column/);
});

test("sources are checked where they are written", () => {
  assert.throws(
    () => text.match(/(a)(b)/, ["only"]),
    /1 columns are named, and the expression has 2/,
  );
  assert.throws(() => text.csv(["a", "a"]), /two "a"/);
  assert.throws(() => text.json([]), /no column/);
  // A job file is run without its types being checked.
  const csv = text.csv(["city"]);
  // @ts-expect-error: the compiler knows the columns
  assert.throws(() => csv.by("town"), /no column "town"; there are: city/);
  // @ts-expect-error: of groups, too
  assert.throws(() => csv.by("city").sum("price"), /no column "price"; there are: city/);
  // @ts-expect-error: of every source
  assert.throws(() => text.words().sum("price"), /no column "price"; there are: word/);
});

test("sources are formats, too", async () => {
  const job = mapReduce({
    input: text.csv(["city", "price"]),
    map: (row, emit) => emit(row.city, row.price),
  });
  assert.equal(job.kind, "map-reduce");
});
