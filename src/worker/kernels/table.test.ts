/** Tables, spills and merges, against a Map and a sort. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "../../../test/fixtures/fast-check.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { Arena, compareBytes } from "../../wire/block/arena.ts";
import { type Key, readKey, writeKey } from "../../wire/block/key.ts";
import { decodeManifest } from "../../wire/block/manifest.ts";
import { partitionOf } from "../../wire/block/partition.ts";
import { readValue } from "../../wire/block/value.ts";
import { memorySource } from "./byte-source.ts";
import { RecordPosition } from "./lines.ts";
import { SegmentFiles } from "./run-file.ts";
import { EmitTable, type TableOptions } from "./table.ts";
import { WordTable } from "./words/word-table.ts";
import { WordCutter } from "./words.ts";

const folder = temporaryDir({ after }, "table-");

type Pair = readonly [key: Key, value: unknown];

const defaults = { spillBytes: 1e9, combine: null, partition: null, descending: false };

function run(pairs: readonly Pair[], options: Partial<TableOptions>) {
  const path = join(folder, "out.run");
  const table = new EmitTable({ partitionCount: 1, ...defaults, path, ...options });
  for (const [key, value] of pairs) table.emit(key, value);
  const manifest = table.finish();
  table.close();
  return { path, manifest, partitions: readBack(path, manifest) };
}

function readBack(path: string, manifest: Uint8Array): Pair[][] {
  const files = new SegmentFiles();
  const file = readFileSync(path);
  const partitions = Array.from(decodeManifest(manifest), ({ offset, sizeBytes, ...part }) => {
    const bytes = file.subarray(offset, offset + sizeBytes);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    assert.equal(part.sha256, sizeBytes === 0 ? "" : sha256);
    const reader = files.reader({ path, offset, sizeBytes });
    const pairs: Pair[] = [];
    while (reader.next()) {
      const key = readKey(reader.key, 0, reader.keyLength);
      pairs.push([key, readValue(reader.bytes, reader.valueStart, reader.valueEnd)]);
    }
    assert.equal(pairs.length, part.records);
    return pairs;
  });
  files.close();
  return partitions;
}

function encoded(key: Key): Uint8Array {
  const arena = new Arena();
  writeKey(arena, key, "a test");
  return arena.view().slice();
}

function naive(pairs: readonly Pair[], count: number, combined: boolean, descending: boolean) {
  const partitions: Pair[][] = Array.from({ length: count }, () => []);
  const bytesOf = new Map(pairs.map((pair) => [pair, encoded(pair[0])]));
  const order = descending ? -1 : 1;
  const sorted = pairs.toSorted(
    (a, b) => order * compareBytes(bytesOf.get(a) as Uint8Array, bytesOf.get(b) as Uint8Array),
  );
  for (const pair of sorted) {
    const value = pair[1];
    const bytes = bytesOf.get(pair) as Uint8Array;
    const partition = partitions[partitionOf(bytes, count)] as Pair[];
    const last = partition.at(-1);
    if (combined && last !== undefined && compareBytes(encoded(last[0]), bytes) === 0) {
      partition[partition.length - 1] = [last[0], (last[1] as number) + (value as number)];
    } else {
      partition.push([readKey(bytes, 0, bytes.length), value]);
    }
  }
  return partitions;
}

const key = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "é", "日"), maxLength: 3 }),
  fc.constantFrom("longer than sixteen characters", "sixteen-letters!", "seventeen-letters"),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom<Key>(null, true, false, -0, 0.5, ["a", 1], ["a"], [], "1"),
);
const shape = fc.record({
  partitionCount: fc.integer({ min: 1, max: 4 }),
  spillBytes: fc.constantFrom(1, 300, 1000, 1e9),
  descending: fc.boolean(),
});

test("without combine all pairs come out by key, those of a key as they were emitted", () => {
  const value = fc.oneof(fc.integer(), fc.string(), fc.constant({ a: [1] }));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 100 }), shape, (pairs, options) => {
      const { partitionCount, descending } = options;
      const { partitions } = run(pairs, options);
      assert.deepEqual(partitions, naive(pairs, partitionCount, false, descending));
    }),
    { numRuns: 150 },
  );
});

test("with combine every key comes out once, with the fold of its values", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, fc.integer()), { maxLength: 100 }),
      shape,
      (pairs, options) => {
        const { partitionCount, descending } = options;
        const combine = (a: unknown, b: unknown) => (a as number) + (b as number);
        const { partitions } = run(pairs, { ...options, combine });
        assert.deepEqual(partitions, naive(pairs, partitionCount, true, descending));
      },
    ),
    { numRuns: 150 },
  );
});

test("hundreds of spills are merged several times over, and nothing is lost", () => {
  const pairs = Array.from({ length: 300 }, (_, i): Pair => [`w${(i * 7919) % 97}`, i]);
  const add = (a: unknown, b: unknown) => (a as number) + (b as number);
  for (const combine of [null, add]) {
    // Every pair is a spill of its own.
    const { partitions } = run(pairs, { spillBytes: 1, partitionCount: 2, combine });
    assert.deepEqual(partitions, naive(pairs, 2, combine !== null, false));
  }
});

test("words at hand and equal strings from elsewhere are the same key", () => {
  const unit = fc.constantFrom("a", "É", "é ", "é", " ", "longer-than", "sixteen", "日本", "A ");
  const words = new WordTable(true);
  const bytesOf = (text: string) => [
    { file: 0, offset: 0, head: null, bytes: Buffer.from(`${text}\n`) },
  ];
  fc.assert(
    fc.property(
      fc.array(unit, { maxLength: 200 }),
      shape,
      fc.boolean(),
      (units, options, folds) => {
        const pairs: Pair[] = [];
        const combine = folds ? (a: unknown, b: unknown) => (a as number) + (b as number) : null;
        const path = join(folder, "out.run");
        const table = new EmitTable({ ...options, combine, partition: null, path, words });
        const visit = (word: string) => {
          const copied = Buffer.from(word).toString();
          for (const key of pairs.length % 3 === 0 ? [copied, word] : [word]) {
            table.emit(key, pairs.length);
            pairs.push([key, pairs.length]);
          }
        };
        const source = memorySource(bytesOf(units.join("")));
        const cutter = new WordCutter({
          source,
          table: words,
          position: new RecordPosition(),
          visit,
        });
        source.nextPiece();
        cutter.cut(0);
        const manifest = table.finish();
        table.close();
        const { partitionCount, descending } = options;
        assert.deepEqual(readBack(path, manifest), naive(pairs, partitionCount, folds, descending));
      },
    ),
    { numRuns: 150 },
  );
});

test("the same pairs with the same bound give the same bytes", () => {
  const pairs = Array.from(
    { length: 3000 },
    (_, i): Pair => [`w${(i * 7919) % 997}`, `value ${i}`],
  );
  const hashes = [1, 2].map(() => {
    const { path, manifest } = run(pairs, { spillBytes: 20_000, partitionCount: 3 });
    return createHash("sha256").update(readFileSync(path)).update(manifest).digest("hex");
  });
  assert.equal(hashes[0], hashes[1]);
  assert.deepEqual(readdirSync(folder), ["out.run"], "spills are removed");
});

test("what was emitted does not change with the object that was emitted", () => {
  const reused = { n: 0 };
  const combine = (a: unknown, b: unknown) => {
    (a as { n: number }).n += (b as { n: number }).n;
    return a;
  };
  for (const options of [{}, { combine }]) {
    const table = new EmitTable({
      partitionCount: 1,
      ...defaults,
      ...options,
      path: join(folder, "out.run"),
    });
    for (const n of [1, 2, 3]) {
      reused.n = n;
      table.emit("k", reused);
    }
    const [pairs] = readBack(join(folder, "out.run"), table.finish());
    const expected = "combine" in options ? [["k", { n: 6 }]] : [1, 2, 3].map((n) => ["k", { n }]);
    assert.deepEqual(pairs, expected);
  }
});

test("the job's own partition function decides, and is checked", () => {
  const pairs: Pair[] = [1, 2, 3, 4].map((n) => [n, n]);
  const { partitions } = run(pairs, {
    partitionCount: 2,
    partition: (of, count) => (of as number) % count,
  });
  assert.deepEqual(partitions, [
    [
      [2, 2],
      [4, 4],
    ],
    [
      [1, 1],
      [3, 3],
    ],
  ]);
  assert.throws(() => run(pairs, { partition: () => 1 }), /partition returned 1; .* from 0 to 0/);
});

test("a refused key or value leaves the table as it was", () => {
  const table = new EmitTable({ partitionCount: 1, ...defaults, path: join(folder, "out.run") });
  table.emit("a", 1);
  assert.throws(() => table.emit("b", () => 1), /a function in map cannot be stored/);
  assert.throws(() => table.emit(Number.NaN, 1), /NaN is a key in map/);
  table.emit("c", 2);
  const [pairs] = readBack(join(folder, "out.run"), table.finish());
  assert.deepEqual(pairs, [
    ["a", 1],
    ["c", 2],
  ]);
});

test("X2: a whole run of the same size in place of another is damage", () => {
  const own = run([["aaaa", 1]], {});
  const ownPath = join(folder, "own.run");
  renameSync(own.path, ownPath);
  const other = run([["bbbb", 1]], {});
  const [expected] = decodeManifest(own.manifest);
  const { offset, sha256, sizeBytes } = expected!;
  assert.equal(readFileSync(other.path).length, sizeBytes);
  const read = (path: string) => {
    const files = new SegmentFiles();
    try {
      const reader = files.reader({ path, offset, sizeBytes, sha256 });
      while (reader.next());
    } finally {
      files.close();
    }
  };
  read(ownPath);
  assert.throws(() => read(other.path), /has other bytes/);
});
