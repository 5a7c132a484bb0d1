/** Operators that group rows by a kernel: what it leaves is what plain functions leave, and the
 *  judge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pairs, text } from "../../src/index.ts";
import type { AnyOperator } from "../../src/sdk/job.ts";
import { linePattern } from "../../src/worker/kernels/groups/line-pattern.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { allWays } from "./run.ts";

type Options = Parameters<typeof allWays>[2];

async function agree(
  job: AnyOperator,
  contents: ReadonlyArray<string | Uint8Array>,
  options: Options = {},
): Promise<string> {
  const { judge, kernels, functions } = await allWays(job, contents, options);
  // What follows an operator, and sorting, is done by kernels alone.
  const { last, apply } = job.operator;
  if (last === null && apply.operator !== "sort") assert.deepEqual(functions, judge);
  assert.deepEqual(kernels, judge);
  return judge.parts.join("");
}

/** Whether they fail alike, and with the same words; else they agree. */
async function failOrAgree(
  job: AnyOperator,
  contents: ReadonlyArray<string | Uint8Array>,
  options: Options = {},
): Promise<void> {
  await agree(job, contents, options).catch((error: Error) => {
    if (error instanceof assert.AssertionError) throw error;
    assert.match(error.message, /user-error|bad-request/);
  });
}

const cells = fc.constantFrom(
  ..."abc0-.",
  "",
  "Oaxaca",
  "Mérida",
  "a key of more than sixteen bytes",
  "a key of more than sixteen bytes, too",
  '"quoted"',
  '"a ""double"" one"',
  '"with, comma"',
  '"open',
  'stray"quote',
  "nul\0",
  "\ufeff",
  "日本",
  "cr\rinside",
);
const numbers = fc.oneof(
  fc.integer().map(String),
  fc.tuple(fc.integer(), fc.nat(99999)).map(([whole, part]) => `${whole}.${part}`),
  fc.constantFrom(
    ..."-0|-0.0|0|1.|.5|007|+3| 4|1e3|1e-3|999999999999999|9999999999999999".split("|"),
    "123456789012345678901",
    '"12.5"',
  ),
);
const endings = fc.constantFrom("\n", "\n", "\n", "\r\n", "\n\n", "\r\n\r\n", ",extra\n", "\xff\n");
const row = fc
  .tuple(cells, numbers, cells, endings)
  .map(([a, n, b, end]) => `${a},${n},${b}${end}`);
const csv = fc
  .tuple(
    fc.constantFrom("", "\ufeff"),
    fc.constantFrom("a,n,b\n", "a,n,b\r\n", '"a",n,"b"\n'),
    fc.array(row, { maxLength: 40, size: "max" }),
    fc.constantFrom("", "x,1,y", "x,1,y\r", "\r"),
  )
  .map((parts) => parts.flat().join(""))
  .map((content) => Buffer.from(content, content.includes("\xff\n") ? "latin1" : "utf8"));
const setting = fc.record({
  splitBytes: fc.integer({ min: 30, max: 600 }),
  reducers: fc.integer({ min: 1, max: 3 }),
  spillBytes: fc.constantFrom(1024, 64 * 1024 * 1024),
  output: fc.constantFrom("ndjson", "csv", "text" as const),
  badRecords: fc.constantFrom("keep", "keep", "fail" as const),
});

const csvJobs: Readonly<Record<string, (options: object) => Pairs>> = {
  count: (options) => text.csv(["a", "n", "b"]).by("a").count(options),
  "count by two": (options) => text.csv(["b", "a"]).by("b", "a").count(options),
  "count all": (options) => text.csv(["n"]).by().count(options),
  sum: (options) => text.csv(["a", "n"]).by("a").sum("n", options),
  "sum by the number": (options) => text.csv(["n"]).by("n").sum("n", options),
  min: (options) => text.csv(["b", "n", "a"]).by("b", "a").min("n", options),
  max: (options) => text.csv(["n"]).max("n", options),
};
for (const [name, jobOf] of Object.entries(csvJobs)) {
  test(`${name} of CSV equals the judge's, whatever the rows are`, async () => {
    const property = fc.asyncProperty(csv, setting, async (content, { output, ...options }) => {
      const { badRecords, ...sizes } = options;
      await failOrAgree(jobOf({ output, badRecords }), [content], sizes);
    });
    await fc.assert(property, { numRuns: depth(10, 4) });
  });
}

test("the first groups equal the judge's, whatever the rows are", async () => {
  const last = fc.record({
    count: fc.integer({ min: 1, max: 4 }),
    order: fc.constantFrom("ascending", "descending" as const),
  });
  const property = fc.asyncProperty(csv, last, setting, async (content, top, sizes) => {
    const { splitBytes, spillBytes, output } = sizes;
    const options = { output, badRecords: "keep" } as const;
    const count = text.csv(["a", "n"]).by("a").count(options);
    const sum = text.csv(["a", "n"]).by("a").sum("n", options);
    for (const pairs of [count, sum]) {
      const job = pairs.topK(top.count, { order: top.order });
      await failOrAgree(job, [content], { splitBytes, spillBytes });
    }
  });
  await fc.assert(property, { numRuns: depth(10, 4) });
});

const scalars = fc.constantFrom(
  ..."0|-0|1|12.50|-3|1e3|007|1.|.5|123456789012345678|0.1|true|false|null".split("|"),
  ...'[1,"]"]|{"id":1}'.split("|"),
  ...'"a"|"Mérida"|"M\\u00e9rida"|"\\ud83d\\ude00"|"\\ud83d"'.split("|"),
  ...'"\\n\\/\\""|"nul\\u0000"|"12.5"|""'.split("|"),
  ...'"tab\t"|"x|nul|"a key of more than sixteen bytes"|"\\x"|"日本"|"\\u00"'.split("|"),
);
const names = fc.constantFrom('"a"', '"n"', '"b"', '"c"', '"\\u0061"', '"user"', '"zz"', "a");
const blanks = fc.constantFrom("", "", "", " ", "\t \r");
const members = fc.array(fc.tuple(names, blanks, scalars, blanks), { maxLength: 4 });
const memberOf = ([name, before, value, after]: readonly string[]) =>
  `${before}${name}${after}:${before}${value}${after}`;
const objectOf = (all: ReadonlyArray<readonly string[]>) => `{${all.map(memberOf).join(",")}}`;
const object = fc.tuple(members, fc.option(members)).map(([all, inner]) => {
  const user = inner === null ? [] : [['"user"', "", objectOf(inner), " "]];
  return objectOf([...all, ...user]);
});
const jsonLine = fc.oneof(
  { weight: 8, arbitrary: object },
  fc.constantFrom("", " ", "[]", "7", '{"a":1', "{} {}", '{"a":"x","n":1,}', '{"a":"\xff"}'),
);
const ndjson = fc
  .tuple(
    fc.constantFrom("", "\ufeff"),
    fc.array(fc.tuple(jsonLine, fc.constantFrom("\n", "\r\n")), { maxLength: 30, size: "max" }),
    fc.constantFrom("", '{"a":"x","n":2}', '{"a"'),
  )
  .map((parts) => parts.flat(2).join(""))
  .map((content) => Buffer.from(content, content.includes("\xff") ? "latin1" : "utf8"));
const jsonJobs: Readonly<Record<string, (options: object) => Pairs>> = {
  count: (options) => text.json(["a"]).by("a").count(options),
  "count by two": (options) => text.json(["a", "b", "n"]).by("n", "a").count(options),
  sum: (options) => text.json(["n", "a"]).by("a").sum("n", options),
  "sum by a path": (options) => text.json(["user.a", "n"]).by("user.a").sum("n", options),
  max: (options) => text.json(["user.n", "user"]).max("user.n", options),
};
for (const [name, jobOf] of Object.entries(jsonJobs)) {
  test(`${name} of JSON equals the judge's, whatever the lines are`, async () => {
    const property = fc.asyncProperty(ndjson, setting, async (content, { output, ...options }) => {
      const { badRecords, ...sizes } = options;
      await failOrAgree(jobOf({ output, badRecords }), [content], sizes);
    });
    await fc.assert(property, { numRuns: depth(10, 4) });
  });
}

test("lines longer than what is read at once are grouped, and those around them", async () => {
  const long = "x".repeat(1_500_000);
  const lines = Array.from({ length: 60_000 }, (_, i) => `k${i % 7},${i / 4},${"y".repeat(30)}`);
  const content = ["a,n,b", ...lines, `k1,1,${long}`, "k1,2,z", ...lines].join("\n");
  await agree(text.csv(["a", "n"]).by("a").sum("n"), [content], { splitBytes: 3_000_000 });
  await agree(text.csv(["a"]).by("a").count(), [`a${long}\nk,1\n`]).catch((error: Error) => {
    assert.match(error.message, /bad-request/);
  });
  const objects = lines.map((_, i) => `{"a":"k${i % 7}","n":${i / 4},"b":${i}}`);
  const ndjson = [...objects, `{"a":"${long}","n":1}`, ...objects].join("\n");
  await agree(text.json(["a", "n"]).by("a").sum("n", { badRecords: "keep" }), [ndjson]);
});

const firstJobs: Readonly<Record<string, (options: object) => AnyOperator>> = {
  "distinct of CSV": (options) => text.csv(["b"]).distinct(options),
  "distinct of CSV by some columns": (options) =>
    text.csv(["a", "n", "b"]).distinct({ by: ["b", "a"], ...options }),
};
for (const [name, jobOf] of Object.entries(firstJobs)) {
  test(`${name} equals the judge's, whatever the rows are`, async () => {
    const property = fc.asyncProperty(csv, setting, async (content, { badRecords, ...sizes }) => {
      const { output, ...options } = sizes;
      const job = jobOf({ badRecords, output: output === "csv" ? "csv" : "ndjson" });
      await failOrAgree(job, [content], options);
    });
    await fc.assert(property, { numRuns: depth(10, 4) });
  });
}

test("distinct of JSON equals the judge's, whatever the lines are", async () => {
  const property = fc.asyncProperty(ndjson, setting, async (content, { badRecords, ...sizes }) => {
    const job = text.json(["a", "n", "b"]).distinct({ by: ["n", "a"], badRecords });
    await failOrAgree(job, [content], { splitBytes: sizes.splitBytes, reducers: sizes.reducers });
  });
  await fc.assert(property, { numRuns: depth(10, 4) });
});

const patterns: Readonly<Record<string, RegExp>> = {
  "all but blanks": /^(\S+)\s*(\S*)/,
  "digits behind signs": /^([^"\d]*)"?(\d*)/,
  "up to the end": /^(\w+)[-:]? (.+)$/,
  "one of each": /^(.)\w?(\W+)/,
  "with a range": /^[ a-f]*([A-Z_-]+)(-?)/u,
};
const lineParts = fc.constantFrom(
  ...'a f z A-_: \t"7 42 é \u00a0 日 \ufeff \r \xff'.split(""),
  "",
  "ab",
);
const logText = fc
  .array(fc.tuple(fc.array(lineParts, { maxLength: 8 }), fc.constantFrom("\n", "\r\n")))
  .map((lines) => lines.flat(2).join(""))
  .map((content) => Buffer.from(content, content.includes("\xff") ? "latin1" : "utf8"));
for (const [name, expression] of Object.entries(patterns)) {
  test(`an expression of ${name} finds what the judge finds`, async () => {
    const { pattern, flags } = { pattern: expression.source, flags: expression.flags };
    assert.notEqual(linePattern({ pattern, flags }, [0]), null);
    const property = fc.asyncProperty(logText, setting, async (content, { splitBytes }) => {
      const source = text.match(expression, ["a", "n"]);
      const keep = { badRecords: "keep" } as const;
      await agree(source.by("n", "a").count(keep), [content], { splitBytes });
      await agree(text.match(expression).count(keep), [content], { splitBytes });
      await agree(source.by("a").sum("n", keep), [content], { splitBytes });
    });
    await fc.assert(property, { numRuns: depth(10, 4) });
  });
}

test("lines are counted whole", async () => {
  const property = fc.asyncProperty(logText, setting, async (content, { splitBytes }) => {
    const job = text.lines().count({ badRecords: "keep" });
    await agree(job, [content], { splitBytes });
  });
  await fc.assert(property, { numRuns: depth(10, 4) });
});

test("expressions that could match in two ways are left to the engine", () => {
  const sources = [
    "\\S+",
    "^a*ab",
    "^(\\S+)+",
    "^.*(\\d+)$",
    "^a|b",
    "^(?:a)",
    "^\\w+\\b",
    "^a{2}",
  ];
  for (const pattern of [...sources, "^[^a]", "^(a)*", "^é", "^a+?"]) {
    assert.equal(linePattern({ pattern, flags: "" }, [0]), null, pattern);
  }
  assert.equal(linePattern({ pattern: "^a", flags: "i" }, [0]), null);
});

/** Many groups, of short and of long keys: more than a block of the table has room for. Some rows
 *  are the host's, for their numbers or the length of their keys. */
function manyRows(): string {
  const long = "of a city whose name is long; ";
  const numberOf = (i: number) =>
    i % 1999 === 0 ? "1234567890123456789.5" : `${(i * 31) % 977}.${i % 100}`;
  const rows = Array.from({ length: 70_000 }, (_, i) => {
    const city = (i * 7919) % 33_331;
    return `${city % 3 === 0 ? long : ""}${city},${numberOf(i)},${i}`;
  });
  const wide = "w".repeat(200_000);
  const at = Array.from({ length: 3 }, (_, i) => (i * rows.length) >> 2);
  for (const place of at) rows.splice(place, 0, `${wide},${numberOf(place)},x`);
  return `city,price,id\n${rows.join("\n")}\n`;
}

const prices = text.csv(["city", "price"]).by("city");
const manyJobs: ReadonlyArray<readonly [name: string, job: Pairs, spillBytes: number]> = [
  ["in memory", prices.count(), 64 << 20],
  ["spilled and added up", prices.sum("price"), 64 << 10],
  ["spilled and compared", prices.max("price"), 64 << 10],
];
for (const [name, job, spillBytes] of manyJobs) {
  test(`many groups are those of functions: ${name}`, async () => {
    const sizes = { spillBytes, splitBytes: 1 << 30, reducers: 2 };
    const rows = await agree(job, [manyRows()], sizes);
    assert.equal(rows.split("\n").length - 1, 33_332);
  });
}
