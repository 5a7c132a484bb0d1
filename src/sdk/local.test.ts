/** The judge's own judge: answers small enough to be written down. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { bytes, count, csv, type Emit, log, mapReduce, ndjson, tasks, text } from "../index.ts";
import { temporaryDir } from "../store/testing/at-end.ts";
import type { ResultPart } from "./collect.ts";
import type { Job, Key } from "./job.ts";
import { type LocalOptions, runLocal } from "./local.ts";
import { type PlanOptions, planJob } from "./plan.ts";

type Files = Record<string, string | Uint8Array>;
type Options = Partial<PlanOptions> & LocalOptions;

async function run(t: TestContext, job: Job, files: Files, options: Options = {}) {
  const folder = temporaryDir(t, "local-test-");
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const inputs = Object.keys(files).map((name) => join(folder, name));
  const planned = await planJob(job, { inputs, params: {}, host: "here", ...options });
  const { result, counters } = await runLocal(job, planned, options);
  const parts = await Promise.all(result.parts.map(textOf));
  const bad = await Promise.all(result.badRecords.map(textOf));
  return { parts, counters, bad: bad.join("").replaceAll(`${folder}/`, "") };
}

async function textOf(part: ResultPart): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of part.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const echo = mapReduce({
  map(line, emit: Emit<string, number>, { offset }) {
    emit(line, offset);
  },
  reducers: 0,
});

function rows(pairs: ReadonlyArray<readonly [Key, unknown]>): string {
  return pairs.map(([key, value]) => `${JSON.stringify({ key, value })}\n`).join("");
}

test("lines are whole and read once, wherever the file is cut", async (t) => {
  const source = "\uFEFFone\r\n\ntwo é 海\nlong line without end\r";
  const whole = (await run(t, echo, { a: source })).parts.join("");
  assert.equal(
    whole,
    rows([
      ["one", 3],
      ["", 8],
      ["two é 海", 9],
      ["long line without end\r", 20],
    ]),
  );
  for (let splitBytes = 1; splitBytes < 45; splitBytes++) {
    const { parts } = await run(t, echo, { a: source }, { splitBytes });
    assert.equal(parts.join(""), whole, `splits of ${splitBytes} bytes`);
  }
});

test("gzip of several members and zstd of several frames are read to their end", async (t) => {
  // A line goes on across the cut; a frame to be skipped and an empty one hold nothing.
  const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  const frames = [
    zstdCompressSync("one\ntw"),
    skipped,
    zstdCompressSync(""),
    zstdCompressSync("o"),
  ];
  const files = {
    "a.gz": Buffer.concat([gzipSync("one\ntw"), gzipSync(""), gzipSync("o")]),
    "b.zst": Buffer.concat(frames),
  };
  const { parts } = await run(t, echo, files);
  const both = rows([
    ["one", 0],
    ["two", 4],
  ]);
  assert.deepEqual(parts, [both, both]);
  const cut = Buffer.concat([zstdCompressSync("one\n"), zstdCompressSync("two\n").subarray(0, 7)]);
  await assert.rejects(
    run(t, echo, { "c.zst": cut }),
    /^ClusterError: bad-request: .*c\.zst cannot/,
  );
});

test("compressed files are read as what is in them", async (t) => {
  const files = { "a.gz": gzipSync("one\ntwo\n"), "b.zst": zstdCompressSync("three\n") };
  const { parts } = await run(t, echo, files, { splitBytes: 3 });
  assert.deepEqual(parts, [
    rows([
      ["one", 0],
      ["two", 4],
    ]),
    rows([["three", 0]]),
  ]);
  const cut = run(t, echo, { "a.gz": gzipSync("one\n").subarray(0, 15) });
  await assert.rejects(cut, { code: "bad-request", message: /a\.gz cannot be decompressed/ });
});

test("errors of combine and partition name the function and the key", async (t) => {
  const fail = () => {
    throw new RangeError("no");
  };
  for (const [role, functions] of [
    ["combine", { combine: fail }],
    ["partition", { partition: fail }],
  ] as const) {
    const job = mapReduce({
      ...functions,
      map: (_line, emit: Emit<string, number>) => emit("k", 1),
    });
    const message = `user-error: ${role} threw RangeError: no on key "k"`;
    await assert.rejects(run(t, job, { a: "1\n2\n" }), { message });
  }
});

test("keys are sorted by type and value, and grouped in the order of the splits", async (t) => {
  const job = mapReduce({
    input: ndjson<{ k: Key; v: number }>(),
    map(record, emit: Emit<Key, number>) {
      emit(record.k, record.v);
    },
    reduce: (_key, values) => [...values],
  });
  const keys: Key[] = ["b", 2, null, ["a"], true, "a", -1, false, [], "é", 10, ["a", 1], "z"];
  const source = [...keys, ...keys].map((k, v) => `${JSON.stringify({ k, v })}\n`).join("");
  const sorted: Key[] = [null, false, true, -1, 2, 10, "a", "b", "z", "é", [], ["a"], ["a", 1]];
  const at = (key: Key) => keys.findIndex((k) => JSON.stringify(k) === JSON.stringify(key));
  const expected = rows(sorted.map((key) => [key, [at(key), at(key) + keys.length]] as const));
  for (const splitBytes of [20, 10_000]) {
    assert.deepEqual((await run(t, job, { a: source }, { splitBytes })).parts, [expected]);
  }
});

const words = {
  map(line: string, emit: Emit<string, number>) {
    for (const word of line.split(" ")) emit(word, 1);
  },
};
const text3 = { a: "a b a\nc a b\n" };

test("combine alone is the result; without it every pair is", async (t) => {
  const summed = mapReduce({ ...words, combine: (a: number, b: number) => a + b });
  assert.deepEqual((await run(t, summed, text3, { splitBytes: 5 })).parts, [
    rows([
      ["a", 3],
      ["b", 2],
      ["c", 1],
    ]),
  ]);
  assert.deepEqual((await run(t, mapReduce(words), text3)).parts, [
    rows([
      ["a", 1],
      ["a", 1],
      ["a", 1],
      ["b", 1],
      ["b", 1],
      ["c", 1],
    ]),
  ]);
});

test("reduce sees one folded value, may leave keys out and emit more", async (t) => {
  const job = mapReduce({
    ...words,
    combine: (a: number, b: number) => a + b,
    reduce(key: string, values: Iterable<number>, { emit, partition }) {
      const [sum, ...others] = values;
      assert.deepEqual(others, []);
      if (key === "a") emit(["extra", partition], key);
      return key === "c" ? undefined : sum;
    },
    sort: "descending",
  });
  assert.deepEqual((await run(t, job, text3, { splitBytes: 5 })).parts, [
    rows([
      ["b", 2],
      [["extra", 0], "a"],
      ["a", 3],
    ]),
  ]);
});

test("the job's own partition decides which file a key is in", async (t) => {
  const partition = (key: string) => (key === "a" ? 2 : 0);
  const job = mapReduce({
    ...words,
    combine: (a: number, b: number) => a + b,
    partition,
    reducers: 3,
  });
  const { parts } = await run(t, job, text3);
  assert.deepEqual(parts, [
    rows([
      ["b", 2],
      ["c", 1],
    ]),
    "",
    rows([["a", 3]]),
  ]);
  const wrong = mapReduce({ ...words, partition: () => 3, reducers: 3 });
  await assert.rejects(run(t, wrong, text3), {
    code: "user-error",
    message: /partition returned 3/,
  });
});

test("no bytes give empty parts", async (t) => {
  assert.deepEqual((await run(t, mapReduce(words), { a: "" }, { reducers: 2 })).parts, ["", ""]);
  assert.deepEqual((await run(t, echo, { a: "" })).parts, []);
});

test("CSV output has a header, quotes where needed, and a column for each field", async (t) => {
  const job = mapReduce({
    input: ndjson<[Key, number]>(),
    map([key, value], emit: Emit<Key, unknown>) {
      emit(key, value);
    },
    output: "csv",
  });
  const pairs = [
    ["a,b", 1],
    ['say "hi"', null],
    ["x\ny", ""],
    ["z", { a: [1] }],
  ];
  const source = pairs.map((pair) => `${JSON.stringify(pair)}\n`).join("");
  assert.deepEqual((await run(t, job, { a: source })).parts, [
    'key,value,a\n"a,b",1,\n"say ""hi""",,\n"x\ny","",\nz,,[1]\n',
  ]);
  assert.deepEqual(
    (await run(t, { ...job, options: { output: "text" } } as Job, { a: source })).parts,
    ['a,b\t1\nsay "hi"\tnull\nx\\ny\t\nz\t{"a":[1]}\n'],
  );
});

test("CSV input by column, over any split, with what is wrong set aside", async (t) => {
  const job = mapReduce({
    input: csv(),
    map(row, emit: Emit<string, unknown>, { offset }) {
      emit(`${offset}`, row);
    },
    badRecords: "keep",
    reducers: 0,
  });
  const source = 'id,name\n1,"a, ""b"""\n\n2,x,y\n3,"open\n4,é\n';
  const expected = rows([
    ["8", { id: "1", name: 'a, "b"' }],
    ["36", { id: "4", name: "é" }],
  ]);
  const kept = [
    ["22", "2 columns are named", "2,x,y"],
    ["28", "its quotes are not closed or misplaced", '3,"open'],
  ];
  for (const splitBytes of [1, 7, 20, 100]) {
    const { parts, bad } = await run(t, job, { "a.csv": source }, { splitBytes });
    assert.equal(parts.join(""), expected);
    const lines = bad.split("\n").slice(0, -1);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).record),
      kept.map((k) => k[2]),
    );
    for (const [i, line] of lines.entries()) assert.ok(line.includes(kept[i]![1]!), line);
    assert.deepEqual(
      lines.map((line) => String(JSON.parse(line).offset)),
      kept.map((k) => k[0]),
    );
  }
});

test("CSV over several lines, without a header, with other separators", async (t) => {
  const job = mapReduce({
    input: csv({ header: false, separator: ";", multiline: true }),
    map(row, emit: Emit<string, unknown>, { offset }) {
      emit(`${offset}`, row);
    },
    reducers: 0,
  });
  const { parts } = await run(t, job, { a: '1;"two\r\nlines"\r\n3;4' }, { splitBytes: 2 });
  assert.deepEqual(parts, [
    rows([
      ["0", ["1", "two\r\nlines"]],
      ["16", ["3", "4"]],
    ]),
  ]);
});

test("whole files as text or bytes", async (t) => {
  const map = (file: unknown, emit: Emit<string, unknown>) => emit("file", file);
  const asText = mapReduce({ input: text.file(), map, reducers: 0 });
  assert.deepEqual((await run(t, asText, { a: "\uFEFFa\nb" })).parts, [rows([["file", "a\nb"]])]);
  const asBytes = mapReduce({ input: bytes.file(), map, reducers: 0 });
  const { parts } = await run(t, asBytes, { a: Uint8Array.of(0, 255) });
  assert.deepEqual(parts, [rows([["file", "AP8="]])]);
});

const fussy = {
  map(line: string, emit: Emit<string, number>) {
    emit(line, 1);
    if (line === "bad") throw new RangeError("not this one");
  },
};

test("a map that throws fails the job, naming file and offset", async (t) => {
  const failed = run(t, mapReduce(fussy), { a: "good\nbad\n" });
  const message = /^user-error: map threw RangeError: not this one on the record at .*a:5$/;
  await assert.rejects(failed, { code: "user-error", message });
});

test("a record that is kept aside has emitted nothing", async (t) => {
  const job = mapReduce({ ...fussy, badRecords: "keep" });
  const { parts, bad } = await run(t, job, { a: "good\nbad\n" });
  assert.deepEqual(parts, [rows([["good", 1]])]);
  const error = "map threw RangeError: not this one on the record at a:5";
  assert.equal(bad, `${JSON.stringify({ file: "a", offset: 5, error, record: "bad" })}\n`);
});

const wrong: ReadonlyArray<readonly [string, object, RegExp]> = [
  [
    "a key that is none",
    { map: (_: string, emit: Emit<Key, number>) => emit({} as Key, 1) },
    /key/,
  ],
  [
    "a value that is none",
    { map: (_: string, emit: Emit<Key, unknown>) => emit("a", () => 1) },
    /function/,
  ],
  ["an async map", { map: async () => {} }, /map returned a promise/],
  [
    "a reduce that throws",
    { ...words, reduce: () => assert.fail("no") },
    /reduce threw .*no on key/,
  ],
  ["a result that is no JSON", { ...words, reduce: () => Number.NaN }, /NaN/],
  ["an async reduce", { ...words, reduce: async () => 1 }, /reduce returned a promise/],
  [
    "values read twice",
    { ...words, reduce: (_: string, v: Iterable<number>) => [...v].length + [...v].length },
    /values can be read only once/,
  ],
];

for (const [what, options, message] of wrong) {
  test(`${what} is the user's error`, async (t) => {
    const job = { kind: "map-reduce", inputs: { default: options }, options } as unknown as Job;
    await assert.rejects(run(t, job, text3), { code: "user-error", message });
  });
}

test("emitted objects are copies", async (t) => {
  const job = mapReduce({
    map(line, emit: Emit<string, { line: string }>) {
      const shared = { line };
      emit(line, shared);
      shared.line = "changed";
    },
  });
  assert.deepEqual((await run(t, job, { a: "x\n" })).parts, [rows([["x", { line: "x" }]])]);
});

test("counters are summed and logs passed on", async (t) => {
  const logged: string[] = [];
  const job = mapReduce({
    map(line) {
      count("lines");
      count("characters", line.length);
      log("saw", { line });
    },
  });
  const { counters } = await run(t, job, { a: "ab\nc\n" }, { onLog: (line) => logged.push(line) });
  assert.deepEqual(counters, { lines: 2, characters: 3 });
  assert.deepEqual(logged, ['saw {"line":"ab"}', 'saw {"line":"c"}']);
});

test("tasks give their results in order, in each format", async (t) => {
  const options = {
    items: ["a", "b"],
    run: async (i: string, { index }: { index: number }) => [i, index],
  };
  assert.deepEqual((await run(t, tasks(options), {})).parts, ['["a",0]\n["b",1]\n']);
  const asCsv = tasks({ ...options, output: "csv" });
  assert.deepEqual((await run(t, asCsv, {})).parts, ['item,value\na,"[""a"",0]"\nb,"[""b"",1]"\n']);
  const failing = tasks({ items: [1], run: () => Promise.reject(new Error("no")) });
  await assert.rejects(run(t, failing, {}), { message: /run threw Error: no on item 0/ });
});

test("a file that has changed since it was planned is refused", async (t) => {
  const folder = temporaryDir(t, "local-test-");
  await writeFile(join(folder, "a"), "1\n");
  const planned = await planJob(echo, { inputs: [folder], params: {}, host: "here" });
  await writeFile(join(folder, "a"), "12\n");
  await assert.rejects(runLocal(echo, planned), { code: "data-lost", message: /has changed/ });
});
