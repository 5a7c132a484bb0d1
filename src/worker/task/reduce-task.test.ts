/** Reduce tasks: order of values, laziness, many runs, and what jobs may get wrong. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { crc32 } from "node:zlib";
import { type AnyMapReduce, mapReduce } from "../../sdk/job.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { Arena } from "../../wire/block/arena.ts";
import { type Key, writeKey } from "../../wire/block/key.ts";
import { RunWriter } from "../../wire/block/run.ts";
import { writeValue } from "../../wire/block/value.ts";
import { FileSink, type Segment } from "../kernels/run-file.ts";
import { runReduce } from "./reduce-task.ts";

const folder = temporaryDir({ after }, "reduce-");

function runFile(name: string, pairs: Iterable<readonly [Key, unknown]>): Segment {
  const sink = new FileSink(join(folder, name));
  const writer = new RunWriter((bytes) => sink.write(bytes), crc32);
  const key = new Arena();
  const value = new Arena();
  for (const [k, v] of pairs) {
    key.length = 0;
    value.length = 0;
    writeKey(key, k, "a test");
    writeValue(value, v, "a test");
    writer.key(key.bytes, 0, key.length);
    writer.value(value.bytes, 0, value.length);
  }
  writer.finish();
  sink.close();
  return { path: sink.path, offset: 0, sizeBytes: writer.sizeBytes };
}

type Options = Omit<AnyMapReduce["options"], "map">;

function reduced(segments: readonly Segment[], options: Options): unknown[] {
  const job = mapReduce({ map: () => {}, ...options }) as AnyMapReduce;
  const out = join(folder, "out");
  const { records } = runReduce({ job, params: {}, task: 0, segments, out });
  const rows = readFileSync(`${out}.part`, "utf8").split("\n").slice(0, -1);
  assert.equal(rows.length, records);
  return rows.map((row) => Object.values(JSON.parse(row)));
}

const segments = [
  runFile("a", [
    ["x", 1],
    ["x", 2],
    ["z", 3],
  ]),
  runFile("empty", []),
  runFile("b", [
    ["x", 4],
    ["y", 5],
  ]),
];

test("values come by map task, then as they were emitted", () => {
  assert.deepEqual(reduced(segments, { reduce: (_key, values) => [...values] }), [
    ["x", [1, 2, 4]],
    ["y", [5]],
    ["z", [3]],
  ]);
});

test("without reduce every pair comes out, and none from no segments", () => {
  assert.deepEqual(reduced(segments, {}), [
    ["x", 1],
    ["x", 2],
    ["x", 4],
    ["y", 5],
    ["z", 3],
  ]);
  assert.deepEqual(reduced([], {}), []);
});

test("with combine each key has one value, also for reduce", () => {
  const combine = (a: number, b: number) => a + b;
  const sums = [
    ["x", 7],
    ["y", 5],
    ["z", 3],
  ];
  assert.deepEqual(reduced(segments, { combine }), sums);
  const seen: unknown[] = [];
  const reduce = (_key: Key, values: Iterable<number>) => {
    seen.push([...values].length);
    return _key === "y" ? undefined : 0;
  };
  assert.deepEqual(reduced(segments, { combine, reduce }), [
    ["x", 0],
    ["z", 0],
  ]);
  assert.deepEqual(seen, [1, 1, 1]);
});

test("values that are not read are skipped, whichever they are", () => {
  const first = (_key: Key, values: Iterable<number>) => {
    for (const value of values) return value;
    return undefined;
  };
  assert.deepEqual(reduced(segments, { reduce: first }), [
    ["x", 1],
    ["y", 5],
    ["z", 3],
  ]);
  assert.deepEqual(reduced(segments, { reduce: () => 0 }).length, 3);
});

test("emit in reduce writes further pairs, before what is returned", () => {
  const reduce: Options["reduce"] = (key, values, context) => {
    for (const value of values) context.emit([key, value], context.partition);
    return "sum";
  };
  assert.deepEqual(reduced(segments, { reduce }).slice(0, 4), [
    [["x", 1], 0],
    [["x", 2], 0],
    [["x", 4], 0],
    ["x", "sum"],
  ]);
});

test("errors in reduce name the key, and leave no part", () => {
  const twice = (_key: Key, values: Iterable<number>) => [...values].length + [...values].length;
  for (const [reduce, message] of [
    [twice, /values can be read only once.*key "x"/],
    [async () => 1, /reduce returned a promise.*key "x"/],
    [() => Number.NaN, /NaN in reduce cannot be stored/],
    [
      () => {
        throw new Error("no");
      },
      /reduce threw Error: no on key "x"/,
    ],
  ] as const) {
    assert.throws(() => reduced(segments, { reduce }), message);
    assert.ok(!readdirSync(folder).includes("out.part"));
  }
});

test("more runs than can be open at once are merged in passes, in order", () => {
  const many = Array.from({ length: 600 }, (_, i) =>
    runFile(
      `many-${i}`,
      [
        ["all", i],
        [i, 1],
      ].toSorted() as [Key, unknown][],
    ),
  );
  const before = readdirSync(folder).length;
  const all = reduced(many, { reduce: (_key, values) => [...values] });
  assert.equal(all.length, 601);
  assert.deepEqual(all.at(-1), ["all", Array.from({ length: 600 }, (_, i) => i)]);
  assert.equal(readdirSync(folder).length, before + 1, "only the part is left");
});

test("an error thrown by combine names combine, from every caller", () => {
  const combine = () => {
    throw new RangeError("too much");
  };
  const message = /^user-error: combine threw RangeError: too much/;
  assert.throws(() => reduced(segments, { combine }), { message });
  const reduce = (_key: Key, values: Iterable<number>) => [...values];
  assert.throws(() => reduced(segments, { combine, reduce }), { message });
});

test("a key with very many values is streamed", () => {
  const count = 300_000;
  const pairs = function* () {
    for (let i = 0; i < count; i++) yield ["k", "a value of some length"] as const;
  };
  const segment = runFile("wide", pairs());
  const before = process.memoryUsage().arrayBuffers;
  let peak = 0;
  const reduce = (_key: Key, values: Iterable<string>) => {
    let length = 0;
    for (const value of values) {
      length += value.length;
      if (length % 1_000_000 < 22) peak = Math.max(peak, process.memoryUsage().arrayBuffers);
    }
    return length;
  };
  assert.deepEqual(reduced([segment], { reduce }), [["k", count * 22]]);
  assert.ok(peak - before < 4 * 1024 * 1024);
});
