/** Sorting and merging against plain arrays: any records, any memory, any number of partitions. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "../../../../test/fixtures/fast-check.ts";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { decodeManifest } from "../../../wire/block/manifest.ts";
import type { Segment } from "../run-file.ts";
import { type Ordering, SortKernel } from "./kernel.ts";
import { mergeSegments } from "./merging.ts";
import { Sorter } from "./sorter.ts";

const dir = temporaryDir({ after }, "tequio-sorter-");

const lines: Ordering = {
  shape: { kind: "lines" },
  descending: false,
  unique: false,
  limit: null,
};

type Sorted = { readonly path: string; readonly partitions: readonly Segment[] };
let files = 0;

function sorted(
  records: readonly Uint8Array[],
  ordering: Ordering,
  options: { readonly splitters?: readonly Uint8Array[]; readonly memoryBytes?: number } = {},
): Sorted {
  const path = join(dir, `${files++}.run`);
  const { splitters = [], memoryBytes = 0 } = options;
  const sorter = new Sorter({ ordering, splitters, memoryBytes, path });
  for (const record of records) {
    for (let at = 0; at < record.length; ) {
      const room = sorter.room();
      const part = record.subarray(at, at + room.length);
      room.set(part);
      sorter.added(part.length);
      at += part.length;
    }
  }
  const manifest = decodeManifest(sorter.finish());
  sorter.close(true);
  return { path, partitions: Array.from(manifest, (partition) => ({ path, ...partition })) };
}

function merged(segments: readonly Segment[], ordering: Ordering, memoryBytes: number): Buffer {
  const chunks: Buffer[] = [];
  const path = join(dir, `${files++}`);
  const kernel = SortKernel.take(ordering);
  const strip = ordering.shape.kind === "framed";
  mergeSegments(
    segments,
    { kernel, ordering, memoryBytes, path, strip },
    {
      write: (bytes) => void chunks.push(Buffer.from(bytes)),
    },
  );
  return Buffer.concat(chunks);
}

function line(text: string): Buffer {
  return Buffer.from(`${text.replaceAll("\n", " ")}\n`);
}

function expected(
  records: readonly Buffer[],
  ordering: Ordering,
  keyOf: (record: Buffer) => Buffer,
): Buffer {
  const sign = ordering.descending ? -1 : 1;
  let order = records.toSorted((a, b) => sign * Buffer.compare(keyOf(a), keyOf(b)));
  if (ordering.unique) {
    order = order.filter((one, i) => i === 0 || !keyOf(one).equals(keyOf(order[i - 1]!)));
  }
  return Buffer.concat(order.slice(0, ordering.limit ?? order.length));
}

const someLine = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.constantFrom("", "a", "a\0", "a\0\0", "aaaaaaa", "aaaaaaaa", "aaaaaaa\0", "same line again"),
  fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 40 }),
);
const flags = fc.record({
  descending: fc.boolean(),
  unique: fc.boolean(),
  limit: fc.option(fc.integer({ min: 1, max: 40 })),
});

test("lines of several tasks come out as if one array had been sorted", () => {
  const tasks = fc.array(fc.array(someLine, { maxLength: 80 }), { minLength: 1, maxLength: 5 });
  const splitters = fc.array(someLine, { maxLength: 4 });
  fc.assert(
    fc.property(tasks, splitters, flags, (texts, between, { limit, ...flag }) => {
      const ordering = { ...lines, ...flag, limit: between.length > 0 ? null : limit };
      const sign = ordering.descending ? -1 : 1;
      const keys = between.map((text) => line(text).subarray(0, -1));
      keys.sort((a, b) => sign * Buffer.compare(a, b));
      const inputs = texts.map((some) => some.map(line));
      const runs = inputs.map((some) => sorted(some, ordering, { splitters: keys }));
      const parts = Array.from({ length: keys.length + 1 }, (_, i) => {
        const segments = runs.map(({ partitions }) => partitions[i]!);
        return merged(segments, ordering, 1 << 20);
      });
      const want = expected(inputs.flat(), ordering, (one) => one.subarray(0, -1));
      assert.deepEqual(Buffer.concat(parts).toString(), want.toString());
    }),
    { numRuns: 150 },
  );
});

test("records of one size are sorted by bytes within them, equal keys in their order", () => {
  const record = fc.uint8Array({ minLength: 13, maxLength: 13 });
  const few = fc.array(fc.constantFrom(0, 1, 255), { minLength: 13, maxLength: 13 });
  const records = fc.array(
    fc.oneof(
      record,
      few.map((some) => Uint8Array.from(some)),
    ),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(records, flags, (some, flag) => {
      const shape = { kind: "fixed", recordBytes: 13, key: [2, 12] } as const;
      const ordering = { shape, ...flag };
      const input = some.map((one) => Buffer.from(one));
      const { partitions } = sorted(input, ordering);
      const want = expected(input, ordering, (one) => one.subarray(2, 12));
      assert.ok(merged(partitions, ordering, 1 << 20).equals(want));
    }),
    { numRuns: 100 },
  );
});

test("framed records are sorted by their key and come out without it", () => {
  const ordering: Ordering = { ...lines, shape: { kind: "framed" } };
  const pairs = [
    ["b", "2"],
    ["", "0"],
    ["b", "1"],
    ["a much longer key", "x".repeat(100)],
  ] as const;
  const frames = pairs.map(([key, value]) => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(key.length, 0);
    head.writeUInt32LE(value.length, 4);
    return Buffer.concat([head, Buffer.from(key + value)]);
  });
  const { partitions } = sorted(frames, ordering);
  assert.equal(merged(partitions, ordering, 1 << 20).toString(), `0${"x".repeat(100)}21`);
});

test("what does not fit in memory is sorted in rounds, and merged in groups", () => {
  const ordering = { ...lines, descending: true };
  // Some records are longer than the buffers, and long stretches are equal.
  const input = Array.from({ length: 30_000 }, (_, i) => {
    const text = String((i * 7919) % 10_007).padStart(20, "same");
    return line(i % 5_000 === 7 ? text.repeat(5_000) : text);
  });
  const runs = [0, 1, 2].map((third) =>
    sorted(input.slice(third * 10_000, (third + 1) * 10_000), ordering, {
      splitters: [Buffer.from("samesamesamesame5000")],
    }),
  );
  const parts = [0, 1].map((i) =>
    merged(
      runs.map(({ partitions }) => partitions[i]!),
      ordering,
      300_000,
    ),
  );
  const want = expected(input, ordering, (one) => one.subarray(0, -1));
  assert.ok(Buffer.concat(parts).equals(want));
  const left = readdirSync(dir).filter((name) => /round|merge/.test(name));
  assert.deepEqual(left, [], "no intermediate file stays");
});

test("a segment with other bytes than were written is data-lost, wherever they changed", () => {
  const texts = ["one", "two", "a longer line", "", "three"];
  const framed = texts.map((text) => {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(text.length, 0);
    head.writeUInt32LE(4, 4);
    return Buffer.concat([head, Buffer.from(`${text}row\n`)]);
  });
  const fixed = texts.map((text) => Buffer.from(text.padEnd(20)));
  const shapes = [
    [{ kind: "framed" }, framed],
    [{ kind: "fixed", recordBytes: 20, key: [0, 9] }, fixed],
    [{ kind: "lines" }, texts.map(line)],
  ] as const;
  for (const [shape, records] of shapes) {
    const ordering: Ordering = { ...lines, shape };
    const { path, partitions } = sorted(records, ordering);
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ (at % 2 === 0 ? 0x80 : 0xff);
      writeFileSync(path, changed);
      assert.throws(() => merged(partitions, ordering, 1 << 20), { code: "data-lost" }, `${at}`);
    }
  }
});

test("one key for all, sorted input and long equal stretches are sorted", () => {
  const same = Array.from({ length: 20_000 }, () => line("x".repeat(300)));
  const { partitions } = sorted(same, lines);
  assert.ok(merged(partitions, lines, 1 << 20).equals(Buffer.concat(same)));
  const deep = Array.from({ length: 2_000 }, (_, i) => line(`${"y".repeat(i)}${i % 3}`));
  const ofDeep = sorted(deep, lines, { memoryBytes: 64 << 20 });
  const want = expected(deep, lines, (one) => one.subarray(0, -1));
  assert.ok(merged(ofDeep.partitions, lines, 1 << 20).equals(want));
});

test("a sorted file has the same bytes whatever the memory", () => {
  const records = Array.from({ length: 30_000 }, (_, i) =>
    line(`${(i * 7_919) % 10_007} ${"z".repeat((i * 31) % 97)}`),
  );
  const keys = ["3", "6"].map((text) => Buffer.from(text));
  for (const flag of [{}, { unique: true }, { limit: 3 }, { descending: true }]) {
    const ordering = { ...lines, ...flag };
    const splitters = "limit" in flag ? [] : "descending" in flag ? keys.toReversed() : keys;
    const files = [0, 1 << 20, 64 << 20].map((memoryBytes) => {
      const { path, partitions } = sorted(records, ordering, { splitters, memoryBytes });
      const parts = partitions.map(({ path: _, ...rest }) => rest);
      return JSON.stringify([readFileSync(path, "latin1"), parts]);
    });
    assert.ok(files[0] === files[2] && files[1] === files[2], JSON.stringify(flag));
  }
});
